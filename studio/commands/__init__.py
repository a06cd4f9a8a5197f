"""What the `emozone` command does, one module per family of subcommands. No Qt; heavy imports only when run."""
