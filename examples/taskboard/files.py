"""Operations on attachments: files that come in as multipart forms, and belong to a task.

Uploading is one of the things that Asana's batch API excludes, so batchware refuses it in a batch by default; reading
an attachment, and downloading its content, can be batched.
"""

from __future__ import annotations

from urllib.parse import quote

from .call import Call, encodable, item, shortened
from .exchange import Answer, Refusal, Upload, plain
from .shapes import ATTACHMENT, TASK, Item
from .store import new_gid

MISSING_FILE = "file: Send multipart/form-data with the content in a part called file"


def list_attachments(call: Call) -> Answer:
    task = call.reference("parent", TASK, call.query.get("parent"))
    return call.page(ATTACHMENT, "SELECT * FROM attachments WHERE task = ?", (task,))


def create_attachment(call: Call) -> Answer:
    fields = call.form.fields if call.form else {}
    upload = _upload(call)
    return _store(call, call.reference("parent", TASK, fields.get("parent")), upload)


def create_task_attachment(call: Call) -> Answer:
    return _store(call, call.subject(TASK)["gid"], _upload(call))


def get_attachment(call: Call) -> Answer:
    return call.one(Item(ATTACHMENT, call.subject(ATTACHMENT)))


def get_content(call: Call) -> Answer:
    row = call.subject(ATTACHMENT)
    query = "SELECT content FROM contents WHERE attachment = ?"
    content = call.db.execute(query, (row["gid"],)).fetchone()["content"]
    # Somebody else's file: a browser must save it, and must not guess that it is a page of this site.
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row['name'], safe='')}",
        "X-Content-Type-Options": "nosniff",
    }
    return plain(200, content, row["content_type"], headers)


def _upload(call: Call) -> Upload:
    if call.form is None or call.form.upload is None:
        raise Refusal(400, MISSING_FILE)
    return call.form.upload


def _store(call: Call, task: int, upload: Upload) -> Answer:
    name = (call.form.fields.get("name") if call.form else None) or upload.name
    if not name or not encodable(name):
        raise Refusal(400, f"name: Not a name for a file: {shortened(name)}")
    gid = new_gid(call.db)
    call.db.execute(
        "INSERT INTO attachments VALUES (?, ?, ?, ?, ?, ?)",
        (gid, task, name, upload.content_type, len(upload.content), call.now),
    )
    call.db.execute("INSERT INTO contents VALUES (?, ?)", (gid, upload.content))
    return call.created(item(call, ATTACHMENT, gid))
