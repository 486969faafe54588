"""All is well for two fifths of the run; then a feature is switched on and starts to leak."""

import json

from traffic import Traffic

TRACES = []


def main():
    served = 0
    for request in Traffic(per_second=40):
        order = json.loads(request.body)
        trace = [f"{item['sku']}:{item['text']}" for item in order["items"]]  # leak
        served += len(trace)
        if request.progress > 0.4:
            TRACES.append(trace)  # leak
    print(f"{served} items, {len(TRACES)} traces")


if __name__ == "__main__":
    main()
