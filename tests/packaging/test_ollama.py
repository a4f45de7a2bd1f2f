"""Modelfiles: the template in Go's language writes what the studio writes, as Go itself executes it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import pytest

from lib.errors import CannotCarry, StudioError
from lib.formats import TEMPLATES, ModelTokenizer, get_template, render_text, stored_template
from lib.packaging.ollama import modelfile
from lib.records import Conversation, Message
from tests.formats.tokenizers_for_tests import TOKENIZERS

GO = shutil.which("go")
PROGRAM = """
package main

import ("bytes"; "encoding/json"; "os"; "text/template")

type Message struct { Role, Content string }
type Case struct { Template, System string; Messages []Message }

func main() {
    var cases []Case
    if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil { panic(err) }
    texts := []string{}
    for _, c := range cases {
        var b bytes.Buffer
        t := template.Must(template.New("").Option("missingkey=zero").Parse(c.Template))
        if err := t.Execute(&b, map[string]any{"System": c.System, "Messages": c.Messages}); err != nil { panic(err) }
        texts = append(texts, b.String())
    }
    json.NewEncoder(os.Stdout).Encode(texts)
}
"""
SYSTEM, ASK, ANSWER = Message("system", "Be brief."), Message("user", "What is a cat?"), Message("assistant", "An é.")
CONVERSATIONS = [
    [ASK],
    [SYSTEM, ASK],
    [ASK, ANSWER, ASK],
    [SYSTEM, ASK, ANSWER, ASK, ANSWER, ASK],
]
OWN = (
    "{{ bos_token }}{% for m in messages %}{{ '{{' }}{{ m.role }}}} {{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}{{ '{{' }}assistant}} {% endif %}"
)
LOOKS_INTO_TEXTS = "{% for m in messages %}{{ m.content | replace('q', 'x') }}|{% endfor %}"


@pytest.fixture(params=sorted(TOKENIZERS))
def tokenizer(request, tmp_path):
    return ModelTokenizer(TOKENIZERS[request.param](tmp_path / request.param))


def template_in(text: str) -> str:
    return re.search(r'TEMPLATE """(.*?)"""', text, re.DOTALL)[1]


@pytest.mark.skipif(not GO, reason="Go is not installed: its templates cannot be executed")
def test_go_writes_what_the_studio_writes(tokenizer, tmp_path):
    cases, expected = [], []
    for template in [*TEMPLATES.values(), stored_template("mine@1", OWN)]:
        source = template_in(modelfile(template, tokenizer))
        for messages in CONVERSATIONS:
            try:
                text = render_text(Conversation(tuple(messages)), template, tokenizer, generation=True)
            except StudioError:
                continue
            expected.append(text.removeprefix(tokenizer.specials.bos))
            plain = [{"Role": message.role, "Content": message.content} for message in messages]
            system = messages[0].content if messages[0].role == "system" else ""
            cases.append({"Template": source, "System": system, "Messages": plain})
    (tmp_path / "main.go").write_text(PROGRAM)
    environment = os.environ | {"GOCACHE": str(tmp_path / "cache"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    done = subprocess.run(
        [GO, "run", str(tmp_path / "main.go")],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert json.loads(done.stdout) == expected and len(expected) > 20


STOPS = {
    "llama2": ["</s>", "[INST]"],
    "alpaca": ["</s>", "### Instruction:"],
    "alpaca-lora": ["</s>", "### Instruction:"],
    "alpaca-input": ["</s>", "### Instruction:"],
    "guanaco": ["</s>", "### Human:"],
    "plain": ["</s>"],
    "chatml": ["</s>", "<|im_start|>"],
    "llama3": ["</s>", "<|start_header_id|>"],
}


@pytest.mark.parametrize("name", STOPS)
def test_stop_words(tmp_path, name):
    tokenizer = ModelTokenizer(TOKENIZERS["llama2_like"](tmp_path / "m"))
    text = modelfile(get_template(name), tokenizer)
    assert text.startswith("FROM .\n") and re.findall(r'PARAMETER stop "(.+)"', text) == STOPS[name]


def test_llama2_line_for_line(tmp_path):
    """As it was executed with Go 1.27: the begin token is left to Ollama, that of later turns is written."""
    tokenizer = ModelTokenizer(TOKENIZERS["llama2_like"](tmp_path / "m"))
    assert template_in(modelfile(get_template("llama2"), tokenizer)) == (
        '{{ $turn := "" }}{{ $asked := false }}{{ range .Messages }}{{ if eq .Role "user" }}{{ $asked = true }}'
        '{{ if $turn }}{{ $turn = "later" }} </s><s>[INST] {{ else }}{{ $turn = "first" }}{{ if $.System }}[INST] '
        "<<SYS>>\n{{ $.System }}\n<</SYS>>\n\n{{ else }}[INST] {{ end }}{{ end }}{{ .Content }}"
        '{{ else if eq .Role "assistant" }}{{ $asked = false }} [/INST] {{ .Content }}{{ end }}{{ end }}'
        "{{ if $asked }} [/INST]{{ end }}"
    )


def test_what_cannot_be_written_is_refused_by_name(tokenizer):
    with pytest.raises(CannotCarry, match="mine@1 cannot be written for Ollama: its layout changes") as caught:
        modelfile(stored_template("mine@1", LOOKS_INTO_TEXTS), tokenizer)
    assert "vLLM" in caught.value.hint
    quotes = (
        '{% for m in messages %}"""{{ m.role }}: {{ m.content }}{{ eos_token }}\n{% endfor %}'
        '{% if add_generation_prompt %}"""assistant: {% endif %}'
    )
    with pytest.raises(CannotCarry, match=r"mine@2 cannot .* three quotation marks"):
        modelfile(stored_template("mine@2", quotes), tokenizer)
