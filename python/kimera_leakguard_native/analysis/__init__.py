"""Static analysis: source code to findings; never imports or runs the code that it reads."""
