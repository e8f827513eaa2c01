"""The configuration of `tap-rest-api-msdk` for Field Nation's work orders.

Each option follows its documentation, https://github.com/Widen/tap-rest-api-msdk/blob/main/README.md, in the section
that is named next to it.
"""

from __future__ import annotations

import typing as t


def config(url: str, token: str, params: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Its config file.

    Args:
        url: The API's origin.
        token: An access token.
        params: The query parameters without the page.
    """
    return {
        # "Top-level config options"
        "api_url": url,
        # "Top-Level Authentication config options". Its `oauth` sends a form, but Field Nation requires JSON, so
        # the token is requested beforehand. It expires after an hour, so a longer run fails.
        "auth_method": "bearer_token",
        "bearer_token": token,
        # "Additional Request / Paginator Styles": `page_number_paginator` continues as long as there is a value at
        # this path. Field Nation sends no "has more", so it is the path of the first row, which costs an extra page.
        "pagination_request_style": "page_number_paginator",
        "pagination_initial_offset": 1,
        "next_page_token_path": "$.results[0].id",
        # "Additional Response Styles"
        "pagination_response_style": "page",
        "pagination_next_page_param": "page",
        # "Top-level config options": wait as long as a 429 demands
        "backoff_type": "header",
        "backoff_param": "Retry-After",
        # "Stream level config options". Lists become text within the record; they cannot be made rows of another
        # stream with the key of their record.
        "streams": [
            {
                "name": "work_orders",
                "path": "/api/rest/v2/workorders",
                "params": dict(params),
                "records_path": "$.results[*]",
                "primary_keys": ["id"],
                # The number of records from which the schema is inferred; properties that they lack are dropped.
                "num_inference_records": 100,
            }
        ],
    }
