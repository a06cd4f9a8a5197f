"""Windows, viewport, panels: everything that shows. Widgets hold no truth of their own."""
