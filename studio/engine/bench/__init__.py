"""How fast avatars are deformed, drawn, exported and trained on this machine; the window is measured by its command.

Every figure comes from several runs, and what is compared is drawn by turns in one process, so that both see the same
clock speed and the same neighbours.
"""
