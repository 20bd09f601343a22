"""What programs can ask, from the same description as /api/openapi.json, as a page that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tripel.web.access import Asker, SignedIn, scoped
from tripel.web.rendering import page

routes = APIRouter(include_in_schema=False)
METHODS = ("get", "post", "put", "patch", "delete")
SHOWN = 6  # objects within objects


@routes.get("/api/openapi.json")
async def description(request: Request, asker: Annotated[Asker, Depends(scoped("read"))]) -> Response:
    """The API in OpenAPI 3."""
    return JSONResponse(request.app.openapi())


@routes.get("/api")
def show(request: Request, asker: SignedIn) -> Response:
    """The page."""
    said = request.app.openapi()
    return page(request, "api.html", operations=list(operations(said)), server=str(request.base_url).rstrip("/"))


def operations(said: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each operation of an OpenAPI description: method, path, its words, parameters, bodies and answers as examples."""
    for path, methods in said["paths"].items():
        for method, its in methods.items():
            if method not in METHODS:
                continue
            body = its.get("requestBody", {}).get("content", {})
            answers = {status: one for status, one in its["responses"].items() if status.startswith("2")}
            yield {
                "method": method.upper(),
                "path": path,
                "tag": next(iter(its.get("tags", [])), "Other"),
                "summary": its.get("summary", ""),
                "description": its.get("description", ""),
                "parameters": its.get("parameters", []),
                "body": {kind: _shape(one.get("schema", {}), said) for kind, one in body.items()},
                "answer": {
                    kind: _shape(content["schema"], said)
                    for one in answers.values()
                    for kind, content in one.get("content", {}).items()
                    if content.get("schema")
                },
            }


def _shape(schema: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    return json.dumps(_example(schema, said, SHOWN), indent=2, ensure_ascii=False)


def _example(schema: Mapping[str, Any], said: Mapping[str, Any], depth: int) -> Any:
    """What a schema describes, with its types, limits and words in place of values."""
    if "$ref" in schema:
        return _example(said["components"]["schemas"][schema["$ref"].rpartition("/")[2]], said, depth)
    if depth == 0:
        return "..."
    if "properties" in schema:
        return {name: _example(one, said, depth - 1) for name, one in schema["properties"].items()}
    if schema.get("type") == "array":
        return [_example(schema.get("items", {}), said, depth - 1)]
    several = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if several and ("$ref" in several[0] or several[0].get("type") in ("array", "object")):
        return _example(several[0], said, depth)
    return _words(schema)


def _words(schema: Mapping[str, Any]) -> str:
    """`integer, at least 1, at most 50: Candidates of each mention.`"""
    kinds = [str(one.get("type", "anything")) for one in schema.get("anyOf", (schema,))]
    said = " or ".join(map(str, schema.get("enum", kinds)))
    for one in schema.get("anyOf", (schema,)):
        for key, words in (("minimum", "at least"), ("maximum", "at most")):
            said += f", {words} {one[key]}" if key in one else ""
    return f"{said}: {schema['description']}" if "description" in schema else said
