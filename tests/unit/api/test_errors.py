"""The table of what can go wrong: the action for each status, and a sentence that says what to do."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_fieldnation.api.errors import RULES, Action, ApiError, TapError, reason_of, rule_for
from tap_fieldnation.api.redact import MASK, register_secrets

ACTIONS = {
    301: Action.FAIL,
    302: Action.FAIL,
    308: Action.FAIL,
    400: Action.FAIL,
    401: Action.RENEW,
    402: Action.FAIL,
    403: Action.SKIP,
    404: Action.SKIP,
    405: Action.FAIL,
    408: Action.RETRY,
    414: Action.FAIL,
    418: Action.FAIL,
    422: Action.FAIL,
    429: Action.WAIT,
    500: Action.RETRY,
    502: Action.RETRY,
    503: Action.RETRY,
    504: Action.RETRY,
    520: Action.RETRY,
    599: Action.RETRY,
}


def test_the_table_below_has_every_row() -> None:
    assert set(RULES) <= set(ACTIONS)


@pytest.mark.parametrize(("status", "action"), ACTIONS.items())
def test_each_status_has_its_action(status: int, action: Action) -> None:
    assert rule_for(status).action is action
    assert ApiError("/x", status, "").rule.action is action


def test_a_missing_response_is_retried() -> None:
    assert ApiError("/x", None, "the response timed out").rule.action is Action.RETRY


@pytest.mark.parametrize(
    "reason",
    [
        "Expired token",
        "The access token expired",
        "The access token provided has expired.",
        "Invalid access token",
        "invalid_token",
        "expired_token",
        "Token is invalid",
        "TOKEN EXPIRED",
    ],
)
def test_a_400_about_the_token_is_treated_as_a_401(reason: str) -> None:
    assert rule_for(400, reason).action is Action.RENEW


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "page must be a number",
        "The value is invalid",
        "Your subscription has expired",
        "tokenizer failed",
        "Give a token",
        "invalid" + " x" * 50 + " token",
    ],
)
def test_any_other_400_is_final(reason: str) -> None:
    assert rule_for(400, reason).action is Action.FAIL


@pytest.mark.parametrize("status", [403, 404, 422, 500])
def test_other_statuses_about_the_token_are_not(status: int) -> None:
    assert rule_for(status, "Expired token") == rule_for(status)


DOCUMENTED = [
    ({"type": "t", "title": "No", "status": 400, "detail": "why", "code": "C"}, "why"),
    ({"title": "why", "status": 500}, "why"),
    ({"title": "No", "detail": "why", "errors": [{"detail": "further", "parameter": "page"}]}, "why"),
    ({"error": "invalid_token", "error_description": "why"}, "why"),
    ({"error": "why"}, "why"),
    ({"error": {"code": "ValidationError", "message": "why", "field": "page"}}, "why"),
    ({"error": {"code": "RateLimitExceeded", "message": "why", "retry_after": 60}}, "why"),
    ({"metadata": {}, "errors": [{"code": 429, "message": "why"}], "result": {}}, "why"),
    ({"errors": [{"detail": "why"}]}, "why"),
    ({"status": 400, "message": "why"}, "why"),
    ({"status_code": 404, "message": "why"}, "why"),
    ({"code": 1, "message": "why", "fields": "f", "trace": []}, "why"),
]


@pytest.mark.parametrize(("body", "reason"), DOCUMENTED, ids=[json.dumps(body) for body, _ in DOCUMENTED])
def test_every_documented_error_body_has_a_reason(body: object, reason: str) -> None:
    assert reason_of(body) == reason


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        5,
        {},
        {"errors": []},
        {"errors": ["text"]},
        {"errors": [{}]},
        {"errors": [{"message": 5}]},
        {"error": {}},
        {"error": {"message": ["x"]}},
        {"detail": 5, "message": None, "title": {"a": 1}},
    ],
    ids=json.dumps,
)
def test_other_bodies_have_no_reason(body: object) -> None:
    assert reason_of(body) == ""


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["error", "errors", "message", "detail", "title", "error_description"]), inner
            )
        ),
        max_leaves=8,
    )
)
def test_the_reason_is_text_for_any_body(body: object) -> None:
    assert isinstance(reason_of(body), str)


@pytest.mark.parametrize("status", [None, *ACTIONS])
def test_the_sentence_names_place_status_reason_and_advice(status: int | None) -> None:
    error = ApiError("/api/rest/v2/x", status, "  two\nlines ", correlation_id="c-1", stream="tags")
    sentence = str(error)
    assert sentence.startswith("tags: /api/rest/v2/x ")
    assert "(two lines; correlation id c-1)" in sentence
    assert sentence.endswith(f": {error.rule.advice}.")
    assert (f"HTTP {status}" in sentence) == (status is not None)
    assert "\n" not in sentence
    assert len(re.findall(r"\.(?:\s|$)", sentence)) == 1


def test_without_a_reason_there_are_no_parentheses() -> None:
    assert str(ApiError("/x", 500, "")).startswith("/x returned HTTP 500: ")


def test_a_sentence_contains_no_secret_and_only_the_beginning_of_a_body() -> None:
    register_secrets("the+secret/")
    error = ApiError("/x", 400, "the%2Bsecret%2F " * 10_000, code="the+secret/")
    assert "secret" not in f"{error} {vars(error)}"
    assert MASK in str(error)
    assert len(str(error)) < 600
    assert str(TapError("no the+secret/ here")) == f"no {MASK} here"


def test_after_the_last_retry_an_error_is_final_and_keeps_its_advice() -> None:
    for status, action in ACTIONS.items():
        error = ApiError("/x", status, "")
        advice = error.rule.advice
        error.end_retries()
        assert error.rule.advice == advice
        assert error.rule.action is (Action.FAIL if action in {Action.RETRY, Action.WAIT} else action)
