"""What the workflow is made of: the program, how its turns are run, its calls and their record."""
