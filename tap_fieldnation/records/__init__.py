"""Makes records of the API fit the schemas: types, placeholders, dates, and the lifted columns."""
