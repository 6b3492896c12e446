"""What the HTTP interface looks like to programs: said beside each handler, put together by `document`."""
