"""Compile every template of Dure: a page with a typing error must not wait for its first visitor."""

import os
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dure.project.settings")

import django
from django.template import TemplateSyntaxError, engines

import dure

django.setup()

package = Path(dure.__file__).parent
templates = sorted(path for path in package.rglob("templates/**/*") if path.is_file())
broken = 0
for path in templates:
    name = str(path).rpartition("/templates/")[2]
    try:
        engines["django"].get_template(name)
    except (TemplateSyntaxError, UnicodeDecodeError) as error:
        broken += 1
        print(f"{path.relative_to(package.parent)}: {error}")
print(f"templates: {len(templates)} compiled, {broken} broken")
sys.exit(bool(broken))
