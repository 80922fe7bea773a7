"""Training of one task: its `gallery_train` is a folder as models bring their own."""
