"""Programs that show batchware at work. They are not part of the installed package."""
