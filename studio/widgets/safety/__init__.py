"""Nothing is ever lost: the journal and recovery, backups, recent projects, missing media, and the history page."""
