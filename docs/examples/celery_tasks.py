"""Tasks of Celery whose workers, on any machine, share one token in Redis."""

import os

import redis
import requests
from celery import Celery

from requests_ticktick import TickTickAuth, TokenStoreError, refuse
from requests_ticktick.stores.redis import RedisStore

API = "https://api.ticktick.com/open/v1"

app = Celery("celery_tasks", broker=os.environ["REDIS_URL"])
client = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=5)
auth = TickTickAuth(store=RedisStore(client), sign_on=refuse)


# What passes by itself is tried again. SignOnRequiredError is not, as a person
# is needed.
@app.task(
    autoretry_for=(requests.ConnectionError, requests.Timeout, TokenStoreError),
    retry_backoff=True,
)
def count_projects():
    """Return how many lists the account has."""
    response = requests.get(f"{API}/project", auth=auth, timeout=30)
    response.raise_for_status()
    return len(response.json())
