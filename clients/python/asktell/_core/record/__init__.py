"""What a trial ran with, as annotations: `keys` names them, `environment` and `git` find them out, `redaction` hides secrets.

Nothing here raises for what cannot be found out: it is left out.
"""
