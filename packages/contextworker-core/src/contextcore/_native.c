/* The fast path of contextcore.payload: a JSON tree to the bytes of a google.protobuf.Struct, and
 * back.
 *
 * It knows only what is usual: exact dict, list, str, int, float, bool and None one way, and what
 * protobuf libraries write the other way. For anything else both functions return None, and
 * payload.py, which says what may travel and why something may not, decides. So the rules stand
 * there, and whatever is refused is named there; here nothing raises but running out of memory.
 */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <math.h>
#include <stdint.h>
#include <string.h>

#define MAX_INTEGER 9007199254740992.0 /* 2^53: up to it a double carries every integer */

/* First bytes of a Value, by its kind, and of the fields around it: (number << 3) | wire type. */
enum {
    NULL_VALUE = 0x08,
    NUMBER_VALUE = 0x11,
    STRING_VALUE = 0x1a,
    BOOL_VALUE = 0x20,
    STRUCT_VALUE = 0x2a,
    LIST_VALUE = 0x32,
    ITEM = 0x0a,  /* Struct.fields, and ListValue.values */
    KEY = 0x0a,   /* of an entry in Struct.fields */
    VALUE = 0x12, /* the same */
};

/* What a step came to. UNUSUAL means: leave it to Python. */
typedef enum { DONE, UNUSUAL, FAILED } Outcome;

/* ---- Writing. Backwards, so that the length of each part is known when its header is written. */

typedef struct {
    unsigned char *bytes;
    Py_ssize_t size;
    Py_ssize_t used; /* the last so many bytes */
} Buffer;

static unsigned char *reserve(Buffer *buffer, Py_ssize_t count)
{
    if (count > buffer->size - buffer->used) {
        if (count > PY_SSIZE_T_MAX / 4 || buffer->size > PY_SSIZE_T_MAX / 4) {
            PyErr_NoMemory();
            return NULL;
        }
        Py_ssize_t size = 2 * buffer->size + count;
        unsigned char *bytes = PyMem_Malloc((size_t)size);
        if (bytes == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        memcpy(bytes + size - buffer->used, buffer->bytes + buffer->size - buffer->used,
               (size_t)buffer->used);
        PyMem_Free(buffer->bytes);
        buffer->bytes = bytes;
        buffer->size = size;
    }
    buffer->used += count;
    return buffer->bytes + buffer->size - buffer->used;
}

static Outcome put(Buffer *buffer, const void *bytes, Py_ssize_t count)
{
    unsigned char *place = reserve(buffer, count);
    if (place == NULL)
        return FAILED;
    memcpy(place, bytes, (size_t)count);
    return DONE;
}

/* A field's header: its tag, and the length of what was put since `used` was `before`. */
static Outcome put_header(Buffer *buffer, unsigned char tag, Py_ssize_t before)
{
    unsigned char header[11];
    Py_ssize_t count = 0;
    size_t length = (size_t)(buffer->used - before);
    header[count++] = tag;
    while (length > 0x7f) {
        header[count++] = (unsigned char)(length | 0x80);
        length >>= 7;
    }
    header[count++] = (unsigned char)length;
    return put(buffer, header, count);
}

static Outcome put_text(Buffer *buffer, unsigned char tag, PyObject *text)
{
    Py_ssize_t before = buffer->used, count;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &count);
    if (bytes == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
            return FAILED;
        PyErr_Clear();
        return UNUSUAL;
    }
    if (put(buffer, bytes, count) != DONE)
        return FAILED;
    return put_header(buffer, tag, before);
}

static Outcome put_number(Buffer *buffer, double number)
{
    unsigned char bytes[9] = {NUMBER_VALUE};
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    for (int index = 1; index < 9; index++, bits >>= 8)
        bytes[index] = (unsigned char)bits;
    return put(buffer, bytes, sizeof bytes);
}

static Outcome put_object(Buffer *buffer, PyObject *items, int depth);
static Outcome put_array(Buffer *buffer, PyObject *items, int depth);

static Outcome put_value(Buffer *buffer, PyObject *item, int depth)
{
    if (PyUnicode_CheckExact(item))
        return put_text(buffer, STRING_VALUE, item);
    if (item == Py_None)
        return put(buffer, (unsigned char[]){NULL_VALUE, 0}, 2);
    if (item == Py_True || item == Py_False)
        return put(buffer, (unsigned char[]){BOOL_VALUE, item == Py_True}, 2);
    if (PyLong_CheckExact(item)) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(item, &overflow);
        if (overflow || number > (long long)MAX_INTEGER || number < -(long long)MAX_INTEGER)
            return UNUSUAL;
        return put_number(buffer, (double)number);
    }
    if (PyFloat_CheckExact(item)) {
        double number = PyFloat_AsDouble(item);
        return isfinite(number) ? put_number(buffer, number) : UNUSUAL;
    }
    Py_ssize_t before = buffer->used;
    Outcome outcome = UNUSUAL;
    if (PyDict_CheckExact(item)) {
        outcome = put_object(buffer, item, depth - 1);
        return outcome == DONE ? put_header(buffer, STRUCT_VALUE, before) : outcome;
    }
    if (PyList_CheckExact(item)) {
        outcome = put_array(buffer, item, depth - 1);
        return outcome == DONE ? put_header(buffer, LIST_VALUE, before) : outcome;
    }
    return outcome;
}

static Outcome put_object(Buffer *buffer, PyObject *items, int depth)
{
    if (depth < 1)
        return UNUSUAL;
    PyObject *key, *item;
    Py_ssize_t position = 0;
    while (PyDict_Next(items, &position, &key, &item)) {
        if (!PyUnicode_CheckExact(key))
            return UNUSUAL;
        Py_ssize_t before = buffer->used;
        Outcome outcome = put_value(buffer, item, depth);
        if (outcome == DONE)
            outcome = put_header(buffer, VALUE, before);
        if (outcome == DONE)
            outcome = put_text(buffer, KEY, key);
        if (outcome == DONE)
            outcome = put_header(buffer, ITEM, before);
        if (outcome != DONE)
            return outcome;
    }
    return DONE;
}

static Outcome put_array(Buffer *buffer, PyObject *items, int depth)
{
    if (depth < 1)
        return UNUSUAL;
    for (Py_ssize_t index = PyList_Size(items) - 1; index >= 0; index--) {
        Py_ssize_t before = buffer->used;
        Outcome outcome = put_value(buffer, PyList_GetItem(items, index), depth);
        if (outcome == DONE)
            outcome = put_header(buffer, ITEM, before);
        if (outcome != DONE)
            return outcome;
    }
    return DONE;
}

static PyObject *write_payload(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *payload;
    int max_depth;
    if (!PyArg_ParseTuple(arguments, "Oi:write", &payload, &max_depth))
        return NULL;
    if (!PyDict_CheckExact(payload))
        Py_RETURN_NONE;
    Buffer buffer = {PyMem_Malloc(1024), 1024, 0};
    if (buffer.bytes == NULL)
        return PyErr_NoMemory();
    PyObject *wire = NULL;
    switch (put_object(&buffer, payload, max_depth)) {
    case DONE:
        wire = PyBytes_FromStringAndSize(
            (const char *)buffer.bytes + buffer.size - buffer.used, buffer.used);
        break;
    case UNUSUAL:
        wire = Py_NewRef(Py_None);
        break;
    case FAILED:
        break;
    }
    PyMem_Free(buffer.bytes);
    return wire;
}

/* ---- Reading. `*object` is a new reference where the outcome is DONE. */

typedef struct {
    const unsigned char *at, *end;
} Span;

/* Take a field with this tag and its length off the front. */
static Outcome take(Span *span, unsigned char tag, Span *content)
{
    if (span->at == span->end || *span->at++ != tag)
        return UNUSUAL;
    size_t length = 0;
    for (int shift = 0;; shift += 7) {
        if (shift > 28 || span->at == span->end)
            return UNUSUAL;
        length |= (size_t)(*span->at & 0x7f) << shift;
        if (*span->at++ < 0x80)
            break;
    }
    if (length > (size_t)(span->end - span->at))
        return UNUSUAL;
    content->at = span->at;
    content->end = span->at += length;
    return DONE;
}

static Outcome take_text(Span *span, unsigned char tag, PyObject **object)
{
    Span content;
    if (take(span, tag, &content) != DONE)
        return UNUSUAL;
    *object = PyUnicode_DecodeUTF8((const char *)content.at, content.end - content.at, NULL);
    if (*object != NULL)
        return DONE;
    if (!PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        return FAILED;
    PyErr_Clear();
    return UNUSUAL;
}

static Outcome read_number(Span value, PyObject **object)
{
    if (value.end - value.at != 9)
        return UNUSUAL;
    uint64_t bits = 0;
    for (int index = 8; index > 0; index--)
        bits = bits << 8 | value.at[index];
    double number;
    memcpy(&number, &bits, sizeof number);
    if (!isfinite(number))
        return UNUSUAL;
    if (fabs(number) <= MAX_INTEGER && number == floor(number))
        *object = PyLong_FromLongLong((long long)number);
    else
        *object = PyFloat_FromDouble(number);
    return *object == NULL ? FAILED : DONE;
}

static Outcome read_object(Span struct_, int depth, PyObject **object);
static Outcome read_array(Span list, int depth, PyObject **object);

static Outcome read_value(Span value, int depth, PyObject **object)
{
    Span content;
    if (value.at == value.end)
        return UNUSUAL;
    unsigned char kind = *value.at;
    switch (kind) {
    case NULL_VALUE:
    case BOOL_VALUE:
        if (value.end - value.at != 2 || value.at[1] > (kind == BOOL_VALUE))
            return UNUSUAL;
        *object = Py_NewRef(kind == NULL_VALUE ? Py_None : value.at[1] ? Py_True : Py_False);
        return DONE;
    case NUMBER_VALUE:
        return read_number(value, object);
    case STRING_VALUE: {
        Outcome outcome = take_text(&value, STRING_VALUE, object);
        if (outcome != DONE || value.at == value.end)
            return outcome;
        Py_DECREF(*object);
        return UNUSUAL;
    }
    case STRUCT_VALUE:
    case LIST_VALUE:
        if (take(&value, kind, &content) != DONE || value.at != value.end)
            return UNUSUAL;
        return kind == STRUCT_VALUE ? read_object(content, depth - 1, object)
                                    : read_array(content, depth - 1, object);
    }
    return UNUSUAL;
}

static Outcome read_entry(Span *span, int depth, PyObject *items)
{
    Span entry, value;
    if (take(span, ITEM, &entry) != DONE)
        return UNUSUAL;
    PyObject *key, *item;
    Outcome outcome = take_text(&entry, KEY, &key);
    if (outcome != DONE)
        return outcome;
    outcome = UNUSUAL;
    if (take(&entry, VALUE, &value) == DONE && entry.at == entry.end)
        outcome = read_value(value, depth, &item);
    if (outcome == DONE) {
        if (PyDict_SetItem(items, key, item) < 0)
            outcome = FAILED;
        Py_DECREF(item);
    }
    Py_DECREF(key);
    return outcome;
}

static Outcome read_object(Span span, int depth, PyObject **object)
{
    if (depth < 1)
        return UNUSUAL;
    PyObject *items = PyDict_New();
    Outcome outcome = items == NULL ? FAILED : DONE;
    while (outcome == DONE && span.at < span.end)
        outcome = read_entry(&span, depth, items);
    if (outcome == DONE)
        *object = items;
    else
        Py_XDECREF(items);
    return outcome;
}

static Outcome read_item(Span *span, int depth, PyObject *items)
{
    Span value;
    PyObject *item;
    if (take(span, ITEM, &value) != DONE)
        return UNUSUAL;
    Outcome outcome = read_value(value, depth, &item);
    if (outcome == DONE) {
        if (PyList_Append(items, item) < 0)
            outcome = FAILED;
        Py_DECREF(item);
    }
    return outcome;
}

static Outcome read_array(Span span, int depth, PyObject **object)
{
    if (depth < 1)
        return UNUSUAL;
    PyObject *items = PyList_New(0);
    Outcome outcome = items == NULL ? FAILED : DONE;
    while (outcome == DONE && span.at < span.end)
        outcome = read_item(&span, depth, items);
    if (outcome == DONE)
        *object = items;
    else
        Py_XDECREF(items);
    return outcome;
}

static PyObject *read_payload(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    const char *bytes;
    Py_ssize_t count;
    int max_depth;
    if (!PyArg_ParseTuple(arguments, "y#i:read", &bytes, &count, &max_depth))
        return NULL;
    Span span = {(const unsigned char *)bytes, (const unsigned char *)bytes + count};
    PyObject *payload;
    switch (read_object(span, max_depth, &payload)) {
    case DONE:
        return payload;
    case UNUSUAL:
        Py_RETURN_NONE;
    case FAILED:
        break;
    }
    return NULL;
}

static PyMethodDef methods[] = {
    {"write", write_payload, METH_VARARGS, "Write a payload as a Struct's bytes; None where unusual."},
    {"read", read_payload, METH_VARARGS, "Read a Struct's bytes as a payload; None where unusual."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "contextcore._native", NULL, 0, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModuleDef_Init(&module);
}
