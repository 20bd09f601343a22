"""The pages of projects, one module for each. They read requests, call `annotations`, and fill templates; they decide nothing.

project_pages.py   /projects, /projects/N                    list, new; its state and what to do next, settings, archive
member_pages.py    /projects/N/members                       who is in it, and as what
uploading.py       /projects/N/upload                        a file, what is in it, and only then storing it
document_pages.py  /projects/N/documents                     all documents
sampling_pages.py  /projects/N/samples                       the next n, and why these
annotating.py      /projects/N/documents/D                   the page where a document is annotated
sheets.py          /api/projects/N/documents/D/sheet         what stands on it, as JSON
                   /api/projects/N/documents/D/events        what a person decides is appended
                   /api/projects/N/documents/D/candidates    what the model offers for a span
                   /api/projects/N/documents/D/spread        what applying a mark to equal strings would do
                   /api/projects/N/documents/D/presence      I am here; who else is, and the version of the sheet
names.py           /api/projects/N/names?q=, /entities?id=   search over the knowledge base, and what it knows
training_pages.py  /projects/N/training                      jobs, models, what changed; /api/projects/N/jobs/J
exporting.py       /projects/N/export                        as of a moment, in any format
agreement_pages.py /projects/N/agreement                     figures, and the documents that differ, to be settled
guide.py           /guide                                    how to work with it, and the keys

The page of a document is made of modules of /static/annotate: `page.js` puts them together.
"""

from __future__ import annotations

from fastapi import APIRouter

from tripel.web.pages import (
    agreement_pages,
    annotating,
    document_pages,
    exporting,
    guide,
    member_pages,
    names,
    project_pages,
    sampling_pages,
    sheets,
    training_pages,
    uploading,
)

routes = APIRouter()
for one in (
    project_pages,
    member_pages,
    uploading,
    document_pages,
    sampling_pages,
    annotating,
    training_pages,
    exporting,
    agreement_pages,
    guide,
    sheets,
    names,
):
    routes.include_router(one.routes)
