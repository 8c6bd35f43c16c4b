"""Django's deployment check with the settings of a production server, without needing one."""

import os
import secrets
import subprocess
import sys

settings = {
    "DURE_MODE": "production",
    "DURE_SECRET_KEY": secrets.token_urlsafe(50),
    "DURE_DATABASE_URL": "postgresql://dure:dure@localhost/dure",
    "DURE_HOSTS": "dure.example",
    "DURE_PUBLIC_URL": "https://dure.example",
}
environment = {name: value for name, value in os.environ.items() if not name.startswith("DURE_")} | settings
environment["DJANGO_SETTINGS_MODULE"] = "dure.project.settings"
# Django's own entry: the command `dure` would look for the database first, and refuse to go on without one.
command = [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"]
sys.exit(subprocess.run(command, env=environment, check=False).returncode)
