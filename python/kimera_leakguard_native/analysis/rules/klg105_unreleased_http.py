"""An HTTP session, client, connection or response is not closed on some path.

## What it does
Follows `requests.Session`, `httpx.Client`, `aiohttp.ClientSession`, `http.client.HTTPConnection`
and their kin, and responses whose body is still to come (`urlopen`, `requests.get(…,
stream=True)`), along all paths of the function, and reports a path on which one is neither
closed, nor returned, nor handed to an owner. A response whose body is read to its end is taken
for closed; with `--all` it is reported too, as advice.

## Why is this bad?
A session keeps its sockets open for the next request. One session a call means one idle connection
a call, on both sides, until the garbage collector comes; aiohttp and httpx warn about each. A
streamed response that is not read keeps its connection out of the pool.

## Example
```python
def status(url):
    session = requests.Session()
    return session.get(url).status_code
```

Use instead:
```python
def status(url):
    with requests.Session() as session:
        return session.get(url).status_code
```
"""

CODE = "KLG105"
NAME = "unreleased-http"
HELP = "open it in a with statement, or keep one session for all requests and close that"
