"""The same index from Apache Spark, when one machine is too small: a shard a task, the same files, byte for byte.

The census and the order are the Ibis expressions of `build`; what remains is to say which shard a person falls into. A 읍면동 knows
from the census where its people begin, so their ordinals need no order across the cluster: each 읍면동 counts its own. Each shard's
task packs its people and writes its file into the folder, which all workers must see (NFS, an object store that is mounted).
"""

from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from dure.audiences.engine.index import Builder
from dure.audiences.engine.kernel import BLOCK
from dure.audiences.engine.traits import REGION, Kind, Schema
from dure.audiences.storage.build import blocks_of, census, ids_of, people_of, starts_of
from dure.audiences.storage.folder import SHARD_BLOCKS, Folder, Shard, write_shard

_WRITTEN = (
    "file string, first_block long, blocks long, size long, sha256 string, rows array<array<long>>, "
    "words_size long, words_sha256 string"
)


def numbered(people: ibis.Table, begins: ibis.Table, schema: Schema, shard: int) -> ibis.Table:
    """People with their `ordinal` and `shard`: `begins` has the first ordinal of each 읍면동 (`region`, `begin`)."""
    keys = [trait.name for trait in schema if trait.sorted and trait.kind is not Kind.REGION]
    within = ibis.window(group_by=REGION, order_by=[*keys, "person"])
    placed = people.mutate(place=ibis.row_number().over(within)).join(begins, REGION)
    ordinal = placed["place"] + placed["begin"]
    return placed.mutate(ordinal=ordinal, shard=(ordinal // shard).cast("int64")).drop("place", "begin")


def build(
    spark: Any, file: Path, schema: Schema, folder: Folder, *, sequence: int = 0, shard_blocks: int = SHARD_BLOCKS
) -> None:
    """Builds from Parquet with a Spark session and puts the index in use; otherwise as `build.build`."""
    spark.read.parquet(str(file)).createOrReplaceTempView("people")
    people = people_of(schema)
    regions, starts = starts_of(spark.sql(_in_spark(census(people))).toArrow())
    begins = [(int(region), int(begin)) for region, begin in zip(regions, starts[:-1], strict=True)]
    spark.createDataFrame(begins, f"{REGION} long, begin long").createOrReplaceTempView("begins")
    table = numbered(
        people, ibis.table({REGION: "int64", "begin": "int64"}, name="begins"), schema, shard_blocks * BLOCK
    )
    with folder.building() as part:
        target = str(part)

        def pack(rows: pa.Table) -> pa.Table:
            return pa.Table.from_pylist([_packed(rows, schema, Path(target), shard_blocks)])

        written = spark.sql(_in_spark(table)).groupBy("shard").applyInArrow(pack, _WRITTEN).collect()
        shards = [Shard(**{**row.asDict(), "rows": [tuple(place) for place in row["rows"]]}) for row in written]
        shards.sort(key=lambda shard: shard.first_block)
        with (part / "persons.u32").open("wb") as persons:
            for shard in shards:
                piece = part / f"{shard.file}.persons"
                persons.write(piece.read_bytes())
                piece.unlink()
        folder.publish(part, schema, shards=shards, regions=regions, starts=starts, sequence=sequence)


def _packed(rows: pa.Table, schema: Schema, part: Path, shard_blocks: int) -> dict[str, Any]:
    """One shard, on whatever machine this runs: its people in order, packed and written; returns what a Shard says."""
    number = int(rows["shard"][0].as_py())
    builder = Builder(schema, number * shard_blocks)
    ordered = rows.sort_by("ordinal")
    ids = []
    for block in blocks_of(iter(ordered.to_batches())):
        ids.append(ids_of(block))
        builder.add(block)
    shard = write_shard(builder, part, number)
    (part / f"{shard.file}.persons").write_bytes(np.concatenate(ids).tobytes())
    return {
        "file": shard.file,
        "first_block": shard.first_block,
        "blocks": shard.blocks,
        "size": shard.size,
        "sha256": shard.sha256,
        "rows": [list(place) for place in shard.rows],
        "words_size": shard.words_size,
        "words_sha256": shard.words_sha256,
    }


def _in_spark(table: ibis.Table) -> str:
    return str(ibis.to_sql(table, dialect="pyspark"))
