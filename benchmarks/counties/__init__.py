"""Generated counties through the whole pipeline: where time and memory go, and how near it comes to the truth."""
