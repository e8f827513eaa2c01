"""The configuration of `tap-rest-api-msdk` for Field Nation's work orders.

Each option is from its documentation, https://github.com/Widen/tap-rest-api-msdk/blob/main/README.md, in the section
named beside it.
"""

from __future__ import annotations

import typing as t


def config(url: str, token: str, params: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Its config file.

    Args:
        url: The API's origin.
        token: An access token that is there already.
        params: The query, but for the page.
    """
    return {
        # "Top-level config options"
        "api_url": url,
        # "Top-Level Authentication config options". Its `oauth` sends a form, and Field Nation takes JSON: so the token
        # is fetched beforehand. It lasts an hour; what goes on for longer fails.
        "auth_method": "bearer_token",
        "bearer_token": token,
        # "Additional Request / Paginator Styles": `page_number_paginator` goes on while something is found at this
        # path. Field Nation sends no 'has more': so it is whether the page has rows, at the cost of one page more.
        "pagination_request_style": "page_number_paginator",
        "pagination_initial_offset": 1,
        "next_page_token_path": "$.results[0].id",
        # "Additional Response Styles"
        "pagination_response_style": "page",
        "pagination_next_page_param": "page",
        # "Top-level config options": waits as long as a 429 says
        "backoff_type": "header",
        "backoff_param": "Retry-After",
        # "Stream level config options". Lists become text within the record; there is no way from a row to rows of
        # another stream that know which row they were in.
        "streams": [
            {
                "name": "work_orders",
                "path": "/api/rest/v2/workorders",
                "params": dict(params),
                "records_path": "$.results[*]",
                "primary_keys": ["id"],
                # From how many records of the first page the schema is taken; what they do not have is dropped.
                "num_inference_records": 100,
            }
        ],
    }
