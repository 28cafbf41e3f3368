"""Study files: the text of a study in YAML, read into the contract's messages. The one reader of the product."""
