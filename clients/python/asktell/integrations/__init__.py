"""asktell inside other libraries: one module or package each, whose library is imported where it is used."""
