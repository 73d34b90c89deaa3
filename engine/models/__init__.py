"""What is on disk: bounded header readers for model files, and the library that lists them."""
