"""Import: a source becomes a version of a dataset, whole or not at all.

importer    import_source: the way in
inspection  a quick look at a source before that
judging     which rows are kept, refused, held out
report      what an import did, as pages and commands say it
numbering   its version: number, manifest, name
refusals    what was refused and why
writer      rows to Parquet as they come
scratch     folders of unfinished work, swept when their process is gone
job         the job `import`
"""
