import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

import dure.ordering.values
from dure.shops.fence import fence


class Migration(migrations.Migration):
    replaces = [
        ("ordering", "0001_initial"),
        ("ordering", "0002_discount_of_a_line"),
        ("ordering", "0003_split_bills_and_struck_lines"),
        ("ordering", "0004_kitchen_screen"),
        ("ordering", "0005_concession"),
    ]

    initial = True

    dependencies = [
        ("menu", "0001_squashed"),
        ("offers", "0001_squashed"),
        ("people", "0001_squashed"),
        ("shops", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Visit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("opened_by_staff", models.BooleanField(default=False)),
                ("checked_at", models.DateTimeField(null=True)),
                ("opened_at", models.DateTimeField()),
                ("last_active_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "merged_into",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="ordering.visit"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                (
                    "table",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.table"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=("table",),
                        name="visit_one_open_per_table",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Bill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (dure.ordering.values.BillState["OPEN"], dure.ordering.values.BillState["OPEN"]),
                            (dure.ordering.values.BillState["SETTLED"], dure.ordering.values.BillState["SETTLED"]),
                            (dure.ordering.values.BillState["VOID"], dure.ordering.values.BillState["VOID"]),
                            (dure.ordering.values.BillState["RETURNED"], dure.ordering.values.BillState["RETURNED"]),
                        ],
                        default=dure.ordering.values.BillState["OPEN"],
                    ),
                ),
                ("subtotal", models.IntegerField()),
                ("discount", models.IntegerField(default=0)),
                ("total", models.IntegerField()),
                ("tax_free", models.IntegerField(default=0)),
                ("vat", models.IntegerField(default=0)),
                ("refunded", models.IntegerField(default=0)),
                ("opened_at", models.DateTimeField()),
                ("settled_at", models.DateTimeField(null=True)),
                ("settled_with", models.TextField(default="")),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "coupon",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="offers.coupon"
                    ),
                ),
                (
                    "device",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="people.device"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                (
                    "visit",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bills",
                        to="ordering.visit",
                    ),
                ),
                (
                    "split_by",
                    models.TextField(
                        blank=True,
                        choices=[
                            (dure.ordering.values.SplitBy["EVENLY"], dure.ordering.values.SplitBy["EVENLY"]),
                            (dure.ordering.values.SplitBy["ITEM"], dure.ordering.values.SplitBy["ITEM"]),
                            (dure.ordering.values.SplitBy["AMOUNT"], dure.ordering.values.SplitBy["AMOUNT"]),
                        ],
                        default="",
                    ),
                ),
                ("taken", models.IntegerField(default=0)),
                ("ways", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["shop", "-opened_at"], name="bill_of_shop")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("discount__gte", 0),
                            ("subtotal__gte", 0),
                            (
                                "total",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("subtotal"), "-", models.F("discount")
                                ),
                            ),
                            ("total__gte", 0),
                        ),
                        name="bill_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("refunded__gte", 0), ("refunded__lte", models.F("total"))),
                        name="bill_refund_within",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("taken__gte", 0), ("taken__lte", models.F("total"))),
                        name="bill_taken_within",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("key", models.TextField()),
                ("body_hash", models.TextField()),
                ("number", models.PositiveIntegerField()),
                ("business_day", models.DateField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (dure.ordering.values.OrderState["WAITING"], dure.ordering.values.OrderState["WAITING"]),
                            (dure.ordering.values.OrderState["RECEIVED"], dure.ordering.values.OrderState["RECEIVED"]),
                            (dure.ordering.values.OrderState["ACCEPTED"], dure.ordering.values.OrderState["ACCEPTED"]),
                            (dure.ordering.values.OrderState["COOKING"], dure.ordering.values.OrderState["COOKING"]),
                            (dure.ordering.values.OrderState["READY"], dure.ordering.values.OrderState["READY"]),
                            (dure.ordering.values.OrderState["SERVED"], dure.ordering.values.OrderState["SERVED"]),
                            (dure.ordering.values.OrderState["REFUSED"], dure.ordering.values.OrderState["REFUSED"]),
                            (dure.ordering.values.OrderState["GIVEN_UP"], dure.ordering.values.OrderState["GIVEN_UP"]),
                        ]
                    ),
                ),
                ("addition", models.BooleanField(default=False)),
                ("by_staff", models.BooleanField(default=False)),
                ("total", models.IntegerField()),
                ("note", models.TextField(default="")),
                ("reason", models.TextField(default="")),
                ("placed_at", models.DateTimeField()),
                ("received_at", models.DateTimeField(null=True)),
                ("changed_at", models.DateTimeField()),
                (
                    "bill",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="ordering.bill",
                    ),
                ),
                (
                    "device",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="people.device"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                (
                    "table",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shops.table"
                    ),
                ),
                (
                    "visit",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="ordering.visit",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["received", "accepted", "cooking", "ready"])),
                        fields=["shop", "received_at"],
                        name="order_in_kitchen",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("shop", "key"), name="order_key_once"),
                    models.UniqueConstraint(fields=("shop", "business_day", "number"), name="order_number_once"),
                    models.CheckConstraint(condition=models.Q(("total__gte", 0)), name="order_total_not_negative"),
                ],
            },
        ),
        migrations.CreateModel(
            name="OrderStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.TextField()),
                ("by", models.TextField()),
                ("reason", models.TextField(default="")),
                ("at", models.DateTimeField()),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="ordering.order"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BasketLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("options", models.JSONField(default=list)),
                ("note", models.TextField(default="")),
                ("choice", models.TextField()),
                ("quantity", models.PositiveSmallIntegerField()),
                ("added_at", models.DateTimeField()),
                (
                    "item",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="menu.item"),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                (
                    "visit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="basket", to="ordering.visit"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("visit", "choice"), name="basket_choice_once"),
                    models.CheckConstraint(
                        condition=models.Q(("quantity__range", (1, 99))), name="basket_quantity_within"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DayNumber",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("business_day", models.DateField()),
                ("last", models.PositiveIntegerField(default=0)),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("shop", "business_day"), name="day_number_once")],
            },
        ),
        migrations.CreateModel(
            name="OrderLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("station", models.TextField(default="")),
                ("name", models.JSONField()),
                ("options", models.JSONField(default=list)),
                ("note", models.TextField(default="")),
                ("unit_price", models.IntegerField()),
                ("quantity", models.PositiveSmallIntegerField()),
                ("total", models.IntegerField()),
                ("tax_free", models.BooleanField(default=False)),
                (
                    "item",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="menu.item"
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="ordering.order"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                ("discount", models.IntegerField(default=0)),
                ("returned", models.IntegerField(null=True)),
                ("strike_key", models.TextField(null=True)),
                ("struck_at", models.DateTimeField(null=True)),
                ("struck_because", models.TextField(default="")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("quantity__range", (1, 99))), name="line_quantity_within"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "total",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("unit_price"), "*", models.F("quantity")
                                ),
                            ),
                            ("unit_price__gte", 0),
                        ),
                        name="line_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("discount__gte", 0), ("discount__lte", models.F("total"))),
                        name="line_discount_within",
                    ),
                    models.UniqueConstraint(fields=("shop", "strike_key"), name="line_struck_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("returned__isnull", True),
                            models.Q(
                                ("returned__gte", 0),
                                (
                                    "returned__lte",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("total"), "-", models.F("discount")
                                    ),
                                ),
                                ("struck_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="line_returned_within",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StaffCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("why", models.TextField(default="staff")),
                ("called_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
                (
                    "table",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.table"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("answered_at__isnull", True)),
                        fields=("table", "why"),
                        name="call_once_open",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BillPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (dure.ordering.values.PartState["TAKEN"], dure.ordering.values.PartState["TAKEN"]),
                            (dure.ordering.values.PartState["PAID"], dure.ordering.values.PartState["PAID"]),
                            (
                                dure.ordering.values.PartState["GIVEN_BACK"],
                                dure.ordering.values.PartState["GIVEN_BACK"],
                            ),
                            (dure.ordering.values.PartState["RETURNED"], dure.ordering.values.PartState["RETURNED"]),
                            (dure.ordering.values.PartState["WAIVED"], dure.ordering.values.PartState["WAIVED"]),
                        ],
                        default=dure.ordering.values.PartState["TAKEN"],
                    ),
                ),
                ("amount", models.IntegerField()),
                ("tax_free", models.IntegerField(default=0)),
                ("vat", models.IntegerField(default=0)),
                ("refunded", models.IntegerField(default=0)),
                ("reason", models.TextField(default="")),
                ("taken_at", models.DateTimeField()),
                ("settled_at", models.DateTimeField(null=True)),
                ("settled_with", models.TextField(default="")),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "bill",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="parts", to="ordering.bill"
                    ),
                ),
                (
                    "device",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="people.device"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("state", "taken")), fields=["taken_at"], name="part_taken")
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="part_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("refunded__gte", 0), ("refunded__lte", models.F("amount"))),
                        name="part_refund_within",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "amount__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("tax_free"), "+", models.F("vat")
                                ),
                            ),
                            ("tax_free__gte", 0),
                            ("vat__gte", 0),
                        ),
                        name="part_taxes_within",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("device__isnull", False), ("state", "taken")),
                        fields=("bill", "device"),
                        name="part_one_taken_a_phone",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PartUnit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("unit", models.PositiveSmallIntegerField()),
                ("freed_at", models.DateTimeField(null=True)),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="ordering.orderline"
                    ),
                ),
                (
                    "part",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="units", to="ordering.billpart"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("freed_at__isnull", True)),
                        fields=("line", "unit"),
                        name="part_unit_taken_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="KitchenScreen",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seen_at", models.DateTimeField(db_index=True)),
                ("paused_until", models.DateTimeField(null=True)),
                (
                    "shop",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Concession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            (
                                dure.ordering.values.ConcessionKind["REFUSAL"],
                                dure.ordering.values.ConcessionKind["REFUSAL"],
                            ),
                            (
                                dure.ordering.values.ConcessionKind["STRIKE"],
                                dure.ordering.values.ConcessionKind["STRIKE"],
                            ),
                            (
                                dure.ordering.values.ConcessionKind["REFUND"],
                                dure.ordering.values.ConcessionKind["REFUND"],
                            ),
                            (
                                dure.ordering.values.ConcessionKind["UNPAID"],
                                dure.ordering.values.ConcessionKind["UNPAID"],
                            ),
                        ]
                    ),
                ),
                (
                    "state",
                    models.TextField(
                        choices=[
                            (
                                dure.ordering.values.ConcessionState["WAITING"],
                                dure.ordering.values.ConcessionState["WAITING"],
                            ),
                            (
                                dure.ordering.values.ConcessionState["DONE"],
                                dure.ordering.values.ConcessionState["DONE"],
                            ),
                            (
                                dure.ordering.values.ConcessionState["DECLINED"],
                                dure.ordering.values.ConcessionState["DECLINED"],
                            ),
                            (
                                dure.ordering.values.ConcessionState["EXPIRED"],
                                dure.ordering.values.ConcessionState["EXPIRED"],
                            ),
                        ]
                    ),
                ),
                ("about", models.TextField()),
                ("what", models.JSONField(default=dict)),
                ("wish", models.JSONField(default=dict)),
                ("won", models.IntegerField()),
                ("paid_with", models.TextField(default="")),
                ("reason", models.TextField()),
                ("by", models.TextField()),
                ("decided_by", models.TextField(default="")),
                ("business_day", models.DateField()),
                ("asked_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "shop",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="shops.shop"),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["shop", "business_day", "by"], name="concession_of_day"),
                    models.Index(
                        condition=models.Q(("state", "waiting")), fields=["asked_at"], name="concession_waiting"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("won__gt", 0)), name="concession_gives"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by", ""),
                            models.Q(("decided_by", models.F("by")), _negated=True),
                            models.Q(("state", "done"), _negated=True),
                            _connector="OR",
                        ),
                        name="concession_second_person",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")),
                        fields=("shop", "kind", "about"),
                        name="concession_waits_once",
                    ),
                ],
            },
        ),
        *fence(
            "ordering_visit",
            "ordering_basketline",
            "ordering_bill",
            "ordering_order",
            "ordering_orderline",
            "ordering_orderstep",
            "ordering_staffcall",
            "ordering_daynumber",
            "ordering_billpart",
            "ordering_partunit",
            "ordering_kitchenscreen",
            "ordering_concession",
        ),
    ]
