"""Talent pools (metadata paging), talent pool groups (cursor), and service territories (the same, renamed)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from emulator.company.rng import Rng, digest, uuid
from emulator.http import json_response

from .clients import catalog_created
from .paging import cursor_page, metadata_page, not_found, resource_page

if TYPE_CHECKING:
    from emulator.company.company import Company
    from emulator.company.people import Person
    from emulator.context import ApiContext
    from emulator.http import Request, Response
    from emulator.json import Json

Row = Callable[["Company", int], "dict[str, Json]"]
Page = Callable[["Request", "list[Json]"], "Response"]

_POOLS = ("Gold", "Cabling crew", "Bank cleared", "Équipe Montréal", "Weekend", "New hires")
_FIRST_POOL = 360
_GROUPS = 47
_TERRITORIES = 31


def _members(company: Company, key: str, maximum: int) -> list[Person]:
    rng = Rng(f"{company.seed}/{key}/members")
    return rng.sample(company.directory.providers, rng.between(2, maximum))


def _pool(company: Company, index: int) -> dict[str, Json]:
    return {
        "id": _FIRST_POOL + index,
        "actions": ["edit"],
        "correlation_id": digest(f"pool/{index}"),
        "name": _POOLS[index],
        "providers": len(_members(company, f"pool/{index}", 130)),
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
        {"id": uuid(f"{key}/attribute/{index}"), "name": name, "value": str(index + 1)}
        for index, name in enumerate(("Priority", "Region"))
    ]


def group_row(company: Company, index: int, kind: str = "group") -> dict[str, Json]:
    """One talent pool group."""
    key = f"{company.seed}/{kind}/{index}"
    project = company.directory.projects[index % len(company.directory.projects)]
    people = _members(company, f"{kind}/{index}", 60)
    return {
        "talent_pool_group_id": uuid(key),
        "name": f"{project.name} crew",
        "project_id": project.id,
        "display_name": f"{project.name} (crew)" if index % 3 else None,
        "tiers": [{"id": 1 + index, "name": "Tier 1", "providers": [_provider(person) for person in people[:2]]}],
        "attributes": _attributes(key) if index % 2 else [],
    }


def territory_row(company: Company, index: int) -> dict[str, Json]:
    """One service territory."""
    row = group_row(company, index, "territory")
    territory_id = row.pop("talent_pool_group_id")
    return {
        "id": territory_id,
        "service_territory_id": territory_id,
        **row,
        "description": f"Around {company.directory.locations[index].address()['city']}",
        "provider_count": len(_members(company, f"territory/{index}", 60)),
        "created": {
            "utc": catalog_created(company, f"territory/{index}"),
            "local": {"date": "2020-02-03", "time": "09:00:00"},
        },
    }


def _group_provider(person: Person, index: int) -> dict[str, Json]:
    tier = {"id": 1 + index, "name": "Tier 1", "providers": [_provider(person)]}
    return {**_provider(person), "tier": tier}


def register(api: ApiContext) -> None:
    """Add pools, groups and territories."""

    def territory_page(request: Request, rows: list[Json]) -> Response:
        if api.switches.territory_paging == "cursor":
            return cursor_page(request, rows)
        if api.switches.territory_paging == "none":
            return json_response({"results": rows})
        return metadata_page(request, rows)

    _add_pools(api)
    _add_groups(api, "/talent-pool-groups", "group", _GROUPS, group_row, cursor_page)
    _add_groups(api, "/service-territories", "territory", _TERRITORIES, territory_row, territory_page)


def _add_groups(api: ApiContext, path: str, kind: str, count: int, row: Row, page: Page) -> None:
    """Add a list of groups, and the list of the providers in each."""
    company = api.company
    ids = [uuid(f"{company.seed}/{kind}/{index}") for index in range(count)]

    def groups(request: Request, _: str) -> Response:
        return page(request, [row(company, index) for index in range(count)])

    def providers(request: Request, _: str, group_id: str) -> Response:
        if group_id not in ids:
            return not_found("Group")
        index = ids.index(group_id)
        members = _members(company, f"{kind}/{index}", 60)
        return page(request, [_group_provider(person, index) for person in members])

    api.router.add(path, groups)
    api.router.add(f"{path}/{{group_id}}/providers", providers)


def _add_pools(api: ApiContext) -> None:
    company = api.company
    ids = [str(_FIRST_POOL + index) for index in range(len(_POOLS))]

    def pools(request: Request, _: str) -> Response:
        return resource_page(request, [_pool(company, index) for index in range(len(_POOLS))])

    def users(request: Request, _: str, pool_id: str) -> Response:
        if pool_id not in ids:
            return not_found("Talent pool")
        members = _members(company, f"pool/{ids.index(pool_id)}", 130)
        return resource_page(request, [_pool_user(person) for person in members])

    api.router.add("/preferred-provider-groups", pools)
    api.router.add("/preferred-provider-groups/{pool_id}/users", users)
