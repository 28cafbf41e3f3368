"""Arithmetic in text: what it reads, in which order, and where it says what is wrong."""

from __future__ import annotations

import pytest

from asktell_server.domain.expressions import (
    MAX_CHARACTERS,
    MAX_NESTING,
    Call,
    Comparison,
    ExpressionError,
    Name,
    Negative,
    Number,
    Operation,
    names_of,
    parse_comparison,
    parse_expression,
)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b*2", Operation("+", Name("a"), Operation("*", Name("b"), Number(2)))),
        ("a - b - c", Operation("-", Operation("-", Name("a"), Name("b")), Name("c"))),
        ("(a - b) // 1.5", Operation("//", Operation("-", Name("a"), Name("b")), Number(1.5))),
        ("-2**2", Negative(Operation("**", Number(2), Number(2)))),
        ("2 ** -1 ** x", Operation("**", Number(2), Negative(Operation("**", Number(1), Name("x"))))),
        ("1e-3 % .5", Operation("%", Number(1e-3), Number(0.5))),
        ("max(lambda, in, 1)", Call("max", (Name("lambda"), Name("in"), Number(1)))),
        ("`batch-size` / optimizer.lr", Operation("/", Name("batch-size"), Name("optimizer.lr"))),
        ("log", Name("log")),
    ],
)
def test_precedence_is_that_of_python_and_there_are_no_keywords(text: str, tree: object) -> None:
    assert parse_expression(text) == tree


def test_an_int_is_not_read_as_a_float() -> None:
    value = parse_expression("7")
    assert isinstance(value, Number)
    assert type(value.value) is int


def test_a_comparison_has_two_sides() -> None:
    comparison = parse_comparison("a + 2*b <= 10")
    assert comparison == Comparison("<=", parse_expression("a + 2*b"), Number(10))
    assert [name.name for name in names_of(comparison)] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 0, "must stand here, got the end"),
        ("a + ", 4, "got the end"),
        ("a b", 2, "an operator"),
        ("2(3)", 1, "an operator"),
        ("(a", 2, "a closing bracket"),
        ("a ^ 2", 2, "no meaning"),
        ("__import__('os')", 0, "no function"),
        ("eval(1)", 0, "no function 'eval'; there are abs"),
        ("log(a, 2)", 0, "one argument"),
        ("a <= 3", 2, "compares"),
        ("1e999", 0, "double"),
        ("1 + 99999999999999999999", 4, "2\\^53"),
        ("`a", 0, "not closed"),
        ("(" * 1000, MAX_NESTING, "nested"),
        ("-" * 1000, MAX_NESTING, "nested"),
        ("2**" * 600 + "2", 3 * MAX_NESTING, "nested"),
        ("+".join(["1"] * 900), 401, "at most 400"),
        ("1" * (MAX_CHARACTERS + 1), MAX_CHARACTERS, "characters"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(text: str, position: int, words: str) -> None:
    with pytest.raises(ExpressionError, match=words) as error:
        parse_expression(text)
    assert error.value.position == position
    assert f"(at character {position + 1})" in str(error.value)


@pytest.mark.parametrize("text", ["a", "a <= b <= c", "a <= ", "<= 1"])
def test_what_is_no_comparison_of_two_sides_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_comparison(text)
