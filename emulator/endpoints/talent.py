"""Talent pools (metadata paging), talent pool groups (cursor), service territories (a rename of the latter)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from emulator.company.dice import Dice, digest, uuid
from emulator.messages import json_reply

from .clients import born
from .paging import bare, cursor_page, metadata_page, no_such, resource_page

if TYPE_CHECKING:
    from emulator.app import App
    from emulator.company.company import Company
    from emulator.company.people import Person
    from emulator.json import Json
    from emulator.messages import Reply, Request

Row = Callable[["Company", int], "dict[str, Json]"]
Page = Callable[["Request", "list[Json]"], "Reply"]

_POOLS = ("Gold", "Cabling crew", "Bank cleared", "Équipe Montréal", "Weekend", "New hires")
_GROUPS = 47
_TERRITORIES = 31


def _members(company: Company, key: str, most: int) -> list[Person]:
    dice = Dice(f"{company.seed}/{key}/members")
    return dice.some(company.directory.providers, dice.between(2, most))


def _pool(company: Company, at: int) -> dict[str, Json]:
    return {
        "id": 360 + at,
        "actions": ["edit"],
        "correlation_id": digest(f"pool/{at}"),
        "name": _POOLS[at],
        "providers": len(_members(company, f"pool/{at}", 130)),
    }


def _pool_user(person: Person) -> dict[str, Json]:
    return {
        **person.brief(),
        "w2": person.employee,
        "phone": person.phone,
        "phone_ext": person.ext,
        "cell": person.cell,
        "correlation_id": digest(f"user/{person.id}"),
        "worked_with": person.id % 3 == 0,
        "is_sourced": person.id % 5 == 0,
        "has_request": False,
        "managed": person.employee,
        "actions": ["remove_from_preferred_group"],
        "showSpotyBanner2019": False,
        "update_username": person.id % 2 == 0,
        "update_username_exp_expire_date": "2030-01-01" if person.id % 2 == 0 else "",
    }


def _provider(person: Person) -> dict[str, Json]:
    return {
        "provider_id": person.id,
        "name": person.name,
        "photo": person.picture if person.id % 4 else None,
        "exists_in_multiple_talent_pool_groups": person.id % 2 == 0,
    }


def _attributes(key: str) -> list[Json]:
    return [
        {"id": uuid(f"{key}/attribute/{at}"), "name": name, "value": str(at + 1)}
        for at, name in enumerate(("Priority", "Region"))
    ]


def group_row(company: Company, at: int, kind: str = "group") -> dict[str, Json]:
    """One talent pool group."""
    key = f"{company.seed}/{kind}/{at}"
    project = company.directory.projects[at % len(company.directory.projects)]
    people = _members(company, f"{kind}/{at}", 60)
    return {
        "talent_pool_group_id": uuid(key),
        "name": f"{project.name} crew",
        "project_id": project.id,
        "display_name": f"{project.name} (crew)" if at % 3 else None,
        "tiers": [{"id": 1 + at, "name": "Tier 1", "providers": [_provider(person) for person in people[:2]]}],
        "attributes": _attributes(key) if at % 2 else [],
    }


def territory_row(company: Company, at: int) -> dict[str, Json]:
    """One service territory."""
    row = group_row(company, at, "territory")
    ident = row.pop("talent_pool_group_id")
    return {
        "id": ident,
        "service_territory_id": ident,
        **row,
        "description": f"Around {company.directory.places[at].address()['city']}",
        "provider_count": len(_members(company, f"territory/{at}", 60)),
        "created": {"utc": born(company, f"territory/{at}"), "local": {"date": "2020-02-03", "time": "09:00:00"}},
    }


def _group_provider(person: Person, at: int) -> dict[str, Json]:
    tier = {"id": 1 + at, "name": "Tier 1", "providers": [_provider(person)]}
    return {**_provider(person), "tier": tier}


def register(app: App) -> None:
    """Add pools, groups and territories."""
    _register_pools(app)
    company, add = app.company, app.router.add

    def territories(request: Request, rows: list[Json]) -> Reply:
        if app.switches.territory_paging == "cursor":
            return cursor_page(request, rows)
        if app.switches.territory_paging == "none":
            return json_reply({"results": rows})
        return metadata_page(request, rows)

    kinds: tuple[tuple[str, str, int, Row, Page], ...] = (
        ("/talent-pool-groups", "group", _GROUPS, group_row, cursor_page),
        ("/service-territories", "territory", _TERRITORIES, territory_row, territories),
    )
    for path, kind, count, row, page in kinds:
        ids = [uuid(f"{company.seed}/{kind}/{at}") for at in range(count)]

        def listing(request: Request, _: str, *, row: Row = row, page: Page = page, count: int = count) -> Reply:
            return page(request, [row(company, at) for at in range(count)])

        def detail(_: Request, __: str, ident: str, *, row: Row = row, ids: list[str] = ids) -> Reply:
            return json_reply(row(company, ids.index(ident))) if ident in ids else no_such("Group")

        def people(
            request: Request, _: str, ident: str, *, kind: str = kind, page: Page = page, ids: list[str] = ids
        ) -> Reply:
            if ident not in ids:
                return no_such("Group")
            at = ids.index(ident)
            return page(request, [_group_provider(person, at) for person in _members(company, f"{kind}/{at}", 60)])

        add(path, listing)
        add(f"{path}/{{ident}}", detail)
        add(f"{path}/{{ident}}/providers", people)


def _register_pools(app: App) -> None:
    company, add = app.company, app.router.add
    pools = [str(360 + at) for at in range(len(_POOLS))]

    def members(ident: str) -> list[Person] | None:
        return _members(company, f"pool/{pools.index(ident)}", 130) if ident in pools else None

    def detail(_: Request, __: str, ident: str) -> Reply:
        return json_reply(_pool(company, pools.index(ident))) if ident in pools else no_such("Talent pool")

    def users(request: Request, _: str, ident: str) -> Reply:
        people = members(ident)
        if people is None:
            return no_such("Talent pool")
        return resource_page(request, [_pool_user(person) for person in people])

    def select_all(request: Request, _: str) -> Reply:
        return bare([person.id for person in members(request.params.get("f_preferred_groups", "")) or []])

    def attributes(request: Request, _: str, pool: str, provider: str) -> Reply:
        rows = _attributes(f"{company.seed}/{pool}/{provider}")
        renamed = [
            {"talent_pool_provider_attribute_id": row["id"], "name": row["name"], "value": row["value"]} for row in rows
        ]
        return cursor_page(request, renamed)

    def listing(request: Request, _: str) -> Reply:
        return resource_page(request, [_pool(company, at) for at in range(len(_POOLS))])

    add("/preferred-provider-groups", listing)
    add("/preferred-provider-groups/{ident}", detail)
    add("/preferred-provider-groups/{ident}/users", users)
    add("/providers/select-all", select_all)
    add("/talent-pools/{pool}/providers/{provider}/attributes", attributes)
