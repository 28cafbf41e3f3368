"""`asktell import` and `asktell export`: trials out of files and into them.

`files` reads and writes lines of CSV and JSONL; `mapping` says which column of a file is what of a trial; `reading` makes
past trials of lines; `importing` judges and stores them in batches. The commands are in `transfer_commands`.
"""
