"""Corpora and terminologies from their publishers: downloads that resume, checksums, unpacking. It parses none of them.

None of these publishers gives a checksum that could stand here beside the address, and only NeMo's files have addresses whose
content cannot change. So the SHA-256 of each other file is recorded in `SHA256SUMS` when it first arrives, and held against
it ever after: that tells a changed or damaged file, but does not prove that the first one was right.
"""

from __future__ import annotations

import http.client
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tripel import __version__
from tripel.corpora.lines import GZIP
from tripel.data.archives import matches, unpack
from tripel.files import CHUNK, fingerprint, replacing, write_text
from tripel.find import near

SUMS = "SHA256SUMS"
TIMEOUT = 60  # seconds without a byte
COPIES = ("*.pubtator", "*.pubtator.gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """One file of a publisher."""

    url: str
    sha256: str = ""
    """As the publisher gives it, or of what an address that names a commit stands for; empty otherwise."""
    unpack: tuple[str, ...] = ()
    """Patterns of the members wanted, where the file is an archive."""

    @property
    def name(self) -> str:
        """The last part of its address."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a name stands for."""

    files: tuple[Remote, ...] = ()
    usable: tuple[str, ...] = COPIES
    """Patterns of files that a reader takes as they are."""
    terms: str
    """Who made it, and under which terms."""
    by_hand: str = ""
    """What to do where it cannot be fetched for you."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Something happened to a file; `received` of `total` bytes while it is on its way."""

    file: str
    said: str = ""
    received: int = 0
    total: int = 0


NCBI = "https://ftp.ncbi.nlm.nih.gov/pub/lu"
DISEASE = "https://www.ncbi.nlm.nih.gov/CBBresearch/Dogan/DISEASE"
MEDMENTIONS = "https://github.com/chanzuckerberg/MedMentions/raw/master"
MESH = "https://nlmpubs.nlm.nih.gov/projects/mesh/2024/xmlmesh"  # a closed year: the present one changes daily
NEMO = "https://raw.githubusercontent.com/NVIDIA/NeMo"
TOYS = {  # of 2021, where each last changed
    "62749a77c4eba31a386097fb5c98b5535225eb85/examples/nlp/entity_linking/data/tiny_example_data/tiny_example_train_pairs.tsv":
        "5f2cf78591c69326327a797478aa132476e15daf207a14d7e1a374a80a5d5ba1",
    "c9a6af43719a1cd23978261b578f7cfe37006acf/examples/nlp/entity_linking/data/tiny_example_validation_pairs.tsv":
        "05bc97d869accb562fd2c1a933bf2a6354d50e14c9bd6f35b974890fc4e11fe4",
    "62749a77c4eba31a386097fb5c98b5535225eb85/examples/nlp/entity_linking/data/tiny_example_index_data.tsv":
        "9f030ca9b30bdf614b91429ec19de4a2f481e1063f5b6a4ed53e1c87cf1cc1b8",
    "62749a77c4eba31a386097fb5c98b5535225eb85/examples/nlp/entity_linking/data/tiny_example_data/tiny_example_test_kb.tsv":
        "c8564bca288a8ee59015b27590d3bcf7857449c4e1a156310519898cfa12b2ad",
    "c9a6af43719a1cd23978261b578f7cfe37006acf/examples/nlp/entity_linking/data/tiny_example_data/tiny_example_test_queries.tsv":
        "a581f56cfaa7070055a7c775d314e88ee0abdcdf76e767f810bb67fa0457d058",
}  # fmt: skip
PMID_LISTS = tuple(
    Remote(url=f"{MEDMENTIONS}/full/data/corpus_pubtator_pmids_{part}.txt") for part in ("trng", "dev", "test")
)

SOURCES = {
    "bc5cdr": Source(
        files=(Remote(url=f"{NCBI}/BC5CDR/CDR_Data.zip", unpack=("CDR_*Set.PubTator.txt",)),),
        usable=("CDR_*Set.PubTator.txt", *COPIES),
        terms="NCBI for BioCreative V; cite Li et al. 2016",
    ),
    "medmentions_st21pv": Source(
        files=(Remote(url=f"{MEDMENTIONS}/st21pv/data/corpus_pubtator.txt.gz"), *PMID_LISTS),
        usable=("corpus_pubtator.txt*", "corpus_pubtator_pmids_*.txt", *COPIES),
        terms="CC0 1.0; cite Mohan and Li 2019",
    ),
    "medmentions_full": Source(
        files=(Remote(url=f"{MEDMENTIONS}/full/data/corpus_pubtator.txt.gz"), *PMID_LISTS),
        usable=("corpus_pubtator.txt*", "corpus_pubtator_pmids_*.txt", *COPIES),
        terms="CC0 1.0; cite Mohan and Li 2019",
    ),
    "ncbi_disease": Source(
        files=tuple(
            Remote(url=f"{DISEASE}/NCBI{part}set_corpus.zip", unpack=(f"NCBI{part}set_corpus.txt",))
            for part in ("train", "develop", "test")
        ),
        usable=("NCBI*set_corpus.txt", *COPIES),
        terms="NCBI, public domain; cite Doğan et al. 2014",
    ),
    "biored": Source(
        files=(Remote(url=f"{NCBI}/BioRED/BIORED.zip", unpack=("Train.PubTator", "Dev.PubTator", "Test.PubTator")),),
        usable=("Train.PubTator", "Dev.PubTator", "Test.PubTator", *COPIES),
        terms="NCBI; cite Luo et al. 2022",
    ),
    "mesh": Source(
        files=(Remote(url=f"{MESH}/desc2024.xml"), Remote(url=f"{MESH}/supp2024.xml")),
        usable=("desc*.xml", "desc*.gz", "supp*.xml", "supp*.gz", "mesh.tsv*"),
        terms="US National Library of Medicine, free to use with acknowledgement",
    ),
    "ctd": Source(
        files=(Remote(url="https://ctdbase.org/reports/CTD_diseases.tsv.gz"),),
        usable=("CTD_diseases.tsv*", "medic*.tsv*"),
        terms="CTD (MDI Biological Laboratory and NC State University): research use, with citation",
    ),
    "nemo_toy": Source(
        files=tuple(Remote(url=f"{NEMO}/{place}", sha256=digest) for place, digest in TOYS.items()),
        usable=("tiny_example_*.tsv",),
        terms="NVIDIA NeMo, Apache-2.0",
    ),
    "umls": Source(
        usable=("MRCONSO.RRF*", "MRSTY.RRF*", "MRDEF.RRF*", "MRCUI.RRF*", "MRSAB.RRF*"),
        terms="UMLS Metathesaurus License",
        by_hand=(
            "UMLS needs a licence, free of charge, from https://uts.nlm.nih.gov/uts/signup-login. Then download a"
            " release (2017AA for MedMentions) from https://www.nlm.nih.gov/research/umls/licensedcontent/umlsarchives04.html,"
            " unpack MRCONSO.RRF, MRSTY.RRF, MRDEF.RRF, MRCUI.RRF and MRSAB.RRF, and run"
            " `tripel data fetch umls --from <their folder>`, or name that folder in your configuration"
        ),
    ),
}


def source_of(name: str) -> Source:
    """What a name stands for. Raises ValueError that lists the neighbours of an unknown one."""
    if name not in SOURCES:
        raise ValueError(f"{name!r} is nothing that can be fetched; {near(name, list(SOURCES))}")
    return SOURCES[name]


def fetch(source: Source, *, output: Path, local: Path | None = None) -> Iterator[Progress]:
    """Bring a source's files into `output`, from their publisher or from the folder `local`; what is there stays.

    Raises ValueError where a licence stands before it, a download ends early, or a checksum differs.
    """
    if local is not None:
        yield from _copy(source, local, output)
    elif not source.files:
        raise ValueError(source.by_hand)
    else:
        for remote in source.files:
            yield from _bring(remote, output)


def _bring(remote: Remote, output: Path) -> Iterator[Progress]:
    path = output / remote.name
    if path.is_file():
        yield Progress(remote.name, "is there")
    else:
        yield from download(remote.url, path)
    yield _verify(path, remote.sha256)
    yield from _unpacked(path, output, remote)


def _copy(source: Source, local: Path, output: Path) -> Iterator[Progress]:
    if not local.is_dir():
        raise ValueError(f"{local}: expected a folder with the files, or an archive of them, as downloaded")
    archives = [remote for remote in source.files if remote.unpack and (local / remote.name).is_file()]
    here = [path for path in sorted(local.iterdir()) if path.is_file()]
    plain = {path: path.name for path in here if matches(path.name, source.usable)}
    if not archives and not plain:  # copies under other names are known by their content
        wanted = {remote.sha256: remote.name for remote in source.files if remote.sha256 and not remote.unpack}
        plain = {path: name for path in here if wanted and (name := wanted.get(fingerprint(path), ""))}
    if not archives and not plain:
        names = ", ".join([*(remote.name for remote in source.files), *source.usable])
        raise ValueError(f"{local}: holds none of {names}; name the folder that does")
    for path, name in {**{local / remote.name: remote.name for remote in archives}, **plain}.items():
        with replacing(output / name) as part:
            shutil.copyfile(path, part)
        yield Progress(name, f"copied from {path}")
        yield _verify(output / name, next((it.sha256 for it in source.files if it.name == name), ""))
    for remote in archives:
        yield from _unpacked(output / remote.name, output, remote)


def _unpacked(archive: Path, output: Path, remote: Remote) -> Iterator[Progress]:
    if remote.unpack:
        for name in unpack(archive, output, wanted=remote.unpack):
            yield Progress(name, f"unpacked from {archive.name}")


def download(url: str, path: Path) -> Iterator[Progress]:
    """Fetch one file; goes on with what an earlier try left in `<name>.part`, if the publisher still has the same."""
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"{url}: expected an address that begins with https:// or http://")
    path.parent.mkdir(parents=True, exist_ok=True)
    part, mark = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part.mark")
    try:
        with _answer(url, part, mark) as answer:
            yield from _receive(answer, part, mark, path.name)
    except urllib.error.URLError as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise ValueError(f"{url}: {error.reason}; {_remedy(path)}") from None
    except (http.client.HTTPException, OSError) as error:
        raise ValueError(f"{url}: the download failed ({error}); {_remedy(path)}") from None
    _refuse_page(part, url, path)
    part.replace(path)
    mark.unlink(missing_ok=True)
    yield Progress(path.name, f"fetched from {url}")


def _answer(url: str, part: Path, mark: Path) -> http.client.HTTPResponse:
    """Ask for what is missing. The mark makes sure that it is still the file that was begun."""
    headers = {"User-Agent": f"tripel/{__version__}"}
    if part.is_file() and mark.is_file():
        headers |= {"Range": f"bytes={part.stat().st_size}-", "If-Range": mark.read_text()}
    try:
        return cast(
            http.client.HTTPResponse,
            urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT),
        )
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        error.close()
    part.unlink()  # there was nothing left to ask for, or the file has become shorter: from the beginning
    return _answer(url, part, mark)


def _receive(answer: http.client.HTTPResponse, part: Path, mark: Path, name: str) -> Iterator[Progress]:
    goes_on = answer.status == http.HTTPStatus.PARTIAL_CONTENT
    received = part.stat().st_size if goes_on else 0
    total = received + int(answer.headers.get("Content-Length") or 0)
    validator = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
    if validator and not validator.startswith("W/"):
        write_text(mark, validator)
    else:
        mark.unlink(missing_ok=True)
    with part.open("ab" if goes_on else "wb") as out:
        while chunk := answer.read1(CHUNK):
            out.write(chunk)
            received += len(chunk)
            yield Progress(name, received=received, total=total)
    if total and received < total:
        raise OSError(f"it ended after {received:,} of {total:,} bytes")


def _verify(path: Path, published: str) -> Progress:
    """Hold a file against its published checksum, or against the one recorded when it first came."""
    sums = path.parent / SUMS
    lines = sums.read_text(encoding="utf-8").splitlines() if sums.is_file() else []
    recorded = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    expected, actual = published or recorded.get(path.name, ""), fingerprint(path)
    if expected and actual != expected:
        kind = "published" if published else "recorded when it first came"
        raise ValueError(
            f"{path}: SHA-256 {actual[:12]}..., the one {kind} is {expected[:12]}...; delete the file to fetch it"
            f" again, and its line in {sums} if the publisher has a new edition"
        )
    recorded[path.name] = actual
    write_text(sums, "".join(f"{digest}  {name}\n" for name, digest in sorted(recorded.items())))
    return Progress(
        path.name,
        f"SHA-256 {actual[:12]}... {'as published' if published else 'as before' if expected else 'recorded'}",
    )


def _refuse_page(part: Path, url: str, path: Path) -> None:
    with part.open("rb") as source:
        first = source.read(512)
    is_page = first.lstrip().lower().startswith((b"<!doctype html", b"<html"))
    if is_page or (path.suffix == ".gz" and not first.startswith(GZIP)):
        part.unlink()
        raise ValueError(f"{url}: the answer is a web page, not {path.name}; download it in a browser, then use --from")


def _remedy(path: Path) -> str:
    return f"run the same command again to go on, or put {path.name} into a folder and name it with --from"
