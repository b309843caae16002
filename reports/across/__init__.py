"""datasets.json to a report: the page of several data sets, its tables, its text."""
