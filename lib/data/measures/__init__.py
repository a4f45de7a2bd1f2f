"""What is measured of each row once and kept: lengths, language, exact tokens.

files       where it is kept, and whether it still holds
measure     measuring what is missing
texts       what is measured of a text
spread      the same work in several processes
profile     which columns are worth a histogram, and where its bars begin
job         the job `measure`
"""
