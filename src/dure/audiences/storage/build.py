"""Builds an index from a table of people (see `engine.traits` for its columns) with DuckDB, in bounded memory.

The table is put in order once, outside memory where it does not fit, and flows by in blocks of 65,536 people, each turned on its
side and packed. What must be done by a database is written once, in Ibis: the same expressions run on Apache Spark (`spark`).
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pyarrow as pa
from ibis import _
from numpy.typing import NDArray

from dure.audiences.engine.index import Builder
from dure.audiences.engine.kernel import BLOCK
from dure.audiences.engine.layout import Column
from dure.audiences.engine.traits import REGION, Kind, Schema
from dure.audiences.storage.folder import PERSON_MAX, SHARD_BLOCKS, Folder, Shard, write_shard

MEMORY = "1100MB"
"""What DuckDB may hold; packed bitmaps of one shard come on top."""
Progress = Callable[[int, int], None]


def people_of(schema: Schema) -> ibis.Table:
    """The table of people as Ibis sees it, wherever it is: one number a person and trait."""
    return ibis.table({"person": "int64", **{trait.name: "int64" for trait in schema}}, name="people")


def in_order(people: ibis.Table, schema: Schema) -> ibis.Table:
    """People in the one order there is: by 읍면동, by what the schema sorts, and by id."""
    keys = [trait.name for trait in schema if trait.sorted and trait.kind is not Kind.REGION]
    return people.order_by([REGION, *keys, "person"])


def census(people: ibis.Table) -> ibis.Table:
    """How many people each 읍면동 has, in order."""
    return people.group_by(REGION).agg(many=_.count()).order_by(REGION)


def starts_of(counts: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """From the census: the 읍면동, and the first ordinal of each with the number of all at the end."""
    regions = counts[REGION].to_numpy().astype(np.int64)
    return regions, np.concatenate([[0], np.cumsum(counts["many"].to_numpy())]).astype(np.int64)


def build(
    file: Path,
    schema: Schema,
    folder: Folder,
    *,
    sequence: int = 0,
    progress: Progress | None = None,
    memory: str = MEMORY,
    threads: int = 2,
    shard_blocks: int = SHARD_BLOCKS,
) -> None:
    """Builds from a Parquet file (or a folder of them, `*.parquet`) and puts the index in use.

    `sequence`: the last change that the file knows of. `progress` is told (people packed, all).
    """
    with folder.building() as part:
        database = duckdb.connect(
            config={
                "memory_limit": memory,
                "threads": threads,
                "temp_directory": str(part / "scratch"),
                "preserve_insertion_order": False,
            }
        )
        try:
            database.read_parquet(str(file / "*.parquet" if file.is_dir() else file)).create_view("people")
            people = people_of(schema)
            regions, starts = starts_of(database.sql(in_duckdb(census(people))).to_arrow_table())
            ordered = database.sql(in_duckdb(in_order(people, schema))).to_arrow_reader(BLOCK)
            shards = _shards(ordered, schema, part, int(starts[-1]), progress, shard_blocks)
        finally:
            database.close()
        folder.publish(part, schema, shards=shards, regions=regions, starts=starts, sequence=sequence)


def in_duckdb(table: ibis.Table) -> str:
    """What Ibis means, in DuckDB's SQL."""
    return str(ibis.to_sql(table, dialect="duckdb"))


def _shards(
    ordered: Iterator[pa.RecordBatch],
    schema: Schema,
    part: Path,
    people: int,
    progress: Progress | None,
    shard_blocks: int,
) -> list[Shard]:
    shards: list[Shard] = []
    builder, done = Builder(schema), 0
    with (part / "persons.u32").open("wb") as persons:
        for block in blocks_of(ordered):
            persons.write(ids_of(block).tobytes())
            builder.add(block)
            done += len(block["person"])
            if progress:
                progress(done, people)
            if builder.blocks == shard_blocks:
                shards.append(write_shard(builder, part, len(shards)))
                builder = Builder(schema, builder.first_block + shard_blocks)
    if builder.blocks:
        shards.append(write_shard(builder, part, len(shards)))
    return shards


def ids_of(block: dict[str, Column]) -> Column:
    """The ids as they are kept. ValueError where one does not fit."""
    persons = block["person"]
    if len(persons) and not 0 < int(persons.min()) <= int(persons.max()) <= PERSON_MAX:
        raise ValueError(f"ids are 1..{PERSON_MAX}")
    return persons.astype("<u4")


def blocks_of(batches: Iterator[pa.RecordBatch]) -> Iterator[dict[str, Column]]:
    """Batches of any size as blocks of 65,536 people, the last one shorter. An empty cell is what is unknown: -1."""
    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        while batch.num_rows:
            piece = batch.slice(0, BLOCK - held)
            batch = batch.slice(piece.num_rows)
            waiting.append(piece)
            held += piece.num_rows
            if held == BLOCK:
                yield _columns(waiting)
                waiting, held = [], 0
    if held:
        yield _columns(waiting)


def _columns(pieces: list[pa.RecordBatch]) -> dict[str, Column]:
    table = pa.Table.from_batches(pieces)
    found = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if column.null_count:
            column = column.fill_null(-1)
        found[name] = column.to_numpy(zero_copy_only=False)
    return found
