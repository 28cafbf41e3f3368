"""Messages of Katib's API, generated from api.proto beside them (`make generate`)."""
