"""The commands of the group."""

from cyclopts import App

from contextworker.cli.commands.gardener.models import app as models
from contextworker.cli.commands.gardener.review import app as review
from contextworker.cli.commands.gardener.run import run
from contextworker.cli.commands.gardener.train import train

app = App(name="gardener", help="Enrich products, decide what is in doubt, train models from that.")
app.command(run, name="run")
app.command(review, name="review")
app.command(train, name="train")
app.command(models, name="models")
