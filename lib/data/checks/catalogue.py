"""Every check by name, with the words that people read."""

from __future__ import annotations

from lib.data.checks.report import Check

_ALL = (
    Check("empty", "Empty text", "A question or an answer has no text, so there is nothing to learn from it.",
          "Write the missing text or delete the row.", "fault"),
    Check("placeholder", "Placeholder", "A marker such as <noinput> or N/A stands where a field should be empty, and "
          "the model learns to repeat it.", "Empty the input; delete the row where the answer is the marker.", "fault"),
    Check("exact_duplicate", "Exact duplicate", "The row says the same as an earlier one, so the model sees it twice "
          "as often and it may stand in both splits.", "Keep the earlier row, delete this one.", "fault"),
    Check("near_duplicate", "Near-duplicate", "The row uses nearly the same words as an earlier one, which weighs it "
          "twice and can leak test rows into training.", "Keep the better row of each group.", "doubt"),
    Check("conflict", "Conflicting answers", "The same question has clearly different answers. Where it has many good "
          "ones that is as it should be; where only one is true, the model cannot learn which.",
          "Read the rows of each question together; where they contradict, keep the right one.", "doubt"),
    Check("cut_off", "Cut off", "The answer stops in the middle of a sentence, which others here seldom do, "
          "and the model learns to stop there too.", "Complete the answer or delete the row.", "doubt"),
    Check("merged", "Merged rows", "A second item was pasted into the answer, so the model learns to go on with a "
          "question of its own.", "Cut the second item out or make it a row of its own.", "fault"),
    Check("wrong_language", "Other language", "The answer is in another language than most rows, so the model may "
          "answer people in the wrong one.", "Translate or delete the row, unless it is meant so.", "doubt"),
    Check("personal_data", "Personal data", "The text holds an e-mail address, phone or card number, IP or street "
          "address, which the model can repeat to anyone.", "Replace it by a stand-in such as [phone], or take it out; "
          "a public helpline may stay.", "doubt"),
    Check("secret", "Secret", "The text holds a password, key or token, which the model can repeat to anyone.",
          "Take it out, and change the secret where it is in use.", "fault"),
    Check("markup", "Markup", "Leftovers of HTML or of a table stand in the text, and the model learns to write them.",
          "Reduce the text to plain text or clean Markdown.", "doubt"),
    Check("mojibake", "Broken letters", "Letters were broken by a wrong decoding, such as â€™ for an apostrophe, and "
          "the model learns to write them so.", "Repair the encoding of the text.", "fault"),
    Check("long", "Very long", "The row is longer than the model's limit or than nearly all others, so it is cut in "
          "training or outweighs them.", "Shorten or split the row, or raise the limit.", "doubt"),
    Check("short", "Very short answer", "The answer is a single sign or word that explains nothing.",
          "Write a full answer or delete the row.", "doubt"),
    Check("echo", "Repeats the question", "The answer says what was asked and nothing else, so the model learns to "
          "give questions back.", "Write an answer or delete the row.", "doubt"),
    Check("boilerplate", "Assistant boilerplate", "The answer speaks as an AI model or refuses instead of helping, and "
          "the model learns to do so.", "Rewrite the answer or delete the row.", "doubt"),
    Check("template_tags", "Template tags", "A tag of a prompt template stands inside a text and would be read as the "
          "start or end of a message.", "Take the tag out, or choose a template without it.", "fault"),
    Check("role_order", "Order of roles", "The messages do not run from an optional system message through user and "
          "assistant in turn to an answer, so templates refuse the row.", "Correct the roles or delete the row.",
          "fault"),
    Check("role_mixup", "Roles mixed up", "The answer looks like a question and the question like its answer.",
          "Swap the two sides.", "doubt"),
)  # fmt: skip

CHECKS: dict[str, Check] = {check.name: check for check in _ALL}
