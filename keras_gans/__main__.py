"""`python -m keras_gans` is the command line."""

from keras_gans.cli.main import main

if __name__ == "__main__":
    main()
