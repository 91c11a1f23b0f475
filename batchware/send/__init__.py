"""`batchware send ACTIONS.jsonl --url ...`: any number of actions out of a file or a pipe, each of them done once.

What makes that hold through `kill -9`: before a batch leaves, its composition and its Idempotency-Key are in a journal,
on the disk. After that a batch is in doubt until the journal closes it, which happens when its results are on the disk
too, or when the server has said that nothing of it ran. `--resume` looks at what is in doubt: reads are sent again;
writes are sent again, in the same batch and under its key, if the server keeps keys (`--idempotent`); else they are
reported as unknown, and never repeated.

    lines       the input, line by line, in bounded memory
    actions     what a line must be, and batches of such lines
    journal     which batches are in doubt
    results     what became of each line, and which lines need nothing any more
    headers     what goes with every batch
    connection  one batch over one connection
    pending     what is to be sent, and when
    landing     what becomes of a batch: results, another time, or given up
    bulk        one run: the threads, and what is on the disk before what
    resuming    what an earlier run has left behind
    progress    a bar, or lines of text
    dry_run     every line held against the contract, nothing sent
    command     the command line and its exit status
"""
