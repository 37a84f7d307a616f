"""Files of other systems into the case register, by a mapping file. docs/importing.md is the reference."""
