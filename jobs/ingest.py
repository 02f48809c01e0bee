"""Read the extracts once: typed parts, rows numbered, a tally for each part."""

from collections.abc import Mapping

from segment_lib.clean.named import refuse_names
from segment_lib.errors import DataError
from segment_lib.run.artifacts import DELIVERED, RAW
from segment_lib.run.context import Context
from segment_lib.run.inputs import DELIVERY, EXTRACT_FILES, TEXT_FORMATS
from segment_lib.run.results import Ingested
from segment_lib.run.stage import Cost, Outcome, Scale
from segment_lib.schema.customer_mark import CustomerMark
from segment_lib.schema.language import Sentence
from segment_lib.sources import customer_remarks, refuse_copies, rows_of_part, unchanging
from segment_lib.tasks.extracts import RawParts, all_faults, open_extracts, reading_remarks
from segment_lib.tasks.named import named_remarks
from segment_lib.tasks.people import compare_people, first_parts, id_remarks
from segment_lib.tasks.raw import BYTES_PER_CELL

from .command import run_alone


def run(context: Context) -> Outcome:
    """Read each part, and count each person once where ids identify people."""
    inputs, schema = context.config.inputs, context.source(DELIVERY).schema
    compute, folder = context.compute, context.staging_dir
    named = {key: getattr(inputs, key) for key in ("id_column", "suppress_column", "response")}
    once = bool(inputs.id_column) and inputs.repeated_ids == "once"
    refuse_names(schema.names, **named)
    with unchanging(context.source(EXTRACT_FILES).values()):
        raw, remarks = read_extracts(context, named, intermediate=once)
        on_people = named_remarks(compute, folder, raw, schema, **named)
        people = compare_people(compute, folder, raw, inputs.id_column, context.scratch() / "ids")
        on_people += id_remarks(raw, people, inputs.repeated_ids, context.config.fairness.min_cell)
        files = [file for parts in raw for file in parts.files]
        left_out: dict[str, int] = {}
        if once:
            tasks, left_out = first_parts(compute, raw, people, RAW.beside)
            row_bytes = BYTES_PER_CELL * (len(schema) + len(schema.carried))
            files = context.make_parts(tasks, bytes_per_row=row_bytes, root=folder)
    result = Ingested(
        population=RAW.rows(files, "population"),
        customers=RAW.rows(files, "customers"),
        id_column=inputs.id_column,
        suppress_column=inputs.suppress_column,
        repeated_ids=inputs.repeated_ids,
        customers_where=inputs.customers_where,
        passthrough={parts.name: parts.extract.passthrough for parts in raw},
        texts=schema.texts,
        ids={name: ids.as_json() for name, ids in people.items()},
        left_out=left_out,
    )
    population, customers = result.population, result.customers
    remarks += [*customer_remarks(population, customers), *on_people]
    return Outcome(
        result,
        rows_in=sum(parts.rows for parts in raw),
        rows_out=population + customers,
        message=f"{population:,} population and {customers:,} customers in {len(files)} parts",
        remarks=list({str(remark): remark for remark in remarks}.values()),
    )


def read_extracts(
    context: Context, named: Mapping[str, str], *, intermediate: bool
) -> tuple[list[RawParts], list[Sentence]]:
    """Return the extracts in parts, intermediate ones if rows may be left out, and remarks."""
    inputs, delivery, compute = context.config.inputs, context.source(DELIVERY), context.compute
    raw = open_extracts(
        compute,
        context.source(EXTRACT_FILES),
        delivery,
        context.source(TEXT_FORMATS),
        (DELIVERED if intermediate else RAW).part,
        context.scratch() / "scratch",
        context.root,
        missing=inputs.missing,
        mark=CustomerMark.parse(inputs.customers_where),
        extra_columns=inputs.extra_columns,
        rows_per_part=rows_of_part(context.config.run.rows_per_part, len(delivery.schema)),
        **named,
    )
    copies = refuse_copies([content for parts in raw for content in parts.contents])
    tasks = [task for parts in raw for task in parts.tasks]
    try:
        files = context.make_parts(
            tasks,
            bytes_per_row=BYTES_PER_CELL * (len(delivery.schema) + len(delivery.schema.carried)),
            unit="bytes",
            intermediate=intermediate,
        )
    except DataError as error:
        raise all_faults(compute, tasks, error) from None
    raw = [parts.among(files) for parts in raw]
    for line in (line for parts in raw for line in parts.extract.extra_notes):
        context.log(line)
    return raw, [*copies, *reading_remarks(compute, context.staging_dir, raw)]


def cost(scale: Scale) -> Cost:
    """Estimate what ingesting takes."""
    return Cost(
        scale.all_parts,
        scale.attributes * (0.585 * scale.all_rows + 810 * scale.all_parts),
        bytes_per_row=BYTES_PER_CELL * scale.attributes,
        scratch=scale.unpacked,
    )


if __name__ == "__main__":
    run_alone("ingest")
