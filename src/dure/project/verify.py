"""`dure verify`: every promise about money, coupons and orders, checked with SQL of its own and by asking the providers.

It trusts neither the actions nor the kept sums: it counts again from the rows, and compares with what each provider says.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import typer
from django.conf import settings
from django.db import connection, transaction

from dure.kit import jobs
from dure.kit.clock import now
from dure.kit.language import Text, say
from dure.ledger import queries as ledger_queries
from dure.ledger.storage import heads
from dure.payments import queries as payment_queries
from dure.payments.models import Payment
from dure.payments.providers import provider_named
from dure.payments.rules import believable
from dure.payments.values import COUNTER, PaymentState, RefundState, Standing
from dure.regulars import queries as regular_queries
from dure.shops import fence
from dure.wallet import queries as wallet_queries

ASKED_AT_ONCE = 4
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that must hold: `broken` selects one line of text for each place where it does not."""

    text: Text
    broken: str


LEDGER = [
    Promise(
        say("장부의 모든 기록은 돈을 옮긴다", en="every entry of the books moves money"),
        "SELECT 'entry ' || key FROM ledger_entry e WHERE NOT EXISTS (SELECT 1 FROM ledger_posting WHERE entry_id = e.id)",
    ),
    Promise(
        say("장부는 고치거나 지울 수 없다", en="the books refuse to be changed"),
        """
        SELECT 'no guard on ' || name FROM (VALUES ('ledger_entry'), ('ledger_posting'), ('ledger_seal')) AS books (name)
        WHERE NOT EXISTS (
            SELECT 1 FROM pg_trigger WHERE tgrelid = name::regclass AND NOT tgisinternal AND tgenabled IN ('O', 'A')
              AND tgtype & 56 = 56 AND tgfoid = to_regproc('ledger_refuse_change')
        )
        """,
    ),
    Promise(
        say("장부 전체를 더하면 0이다", en="the books add up to nothing"),
        """
        SELECT 'off by ' || sum(won) FROM (
            SELECT amount AS won FROM ledger_posting UNION ALL SELECT -amount FROM ledger_posting
        ) AS change HAVING sum(won) <> 0
        """,
    ),
    Promise(
        say("원과 포인트는 섞이지 않는다", en="won and points never mix"),
        """
        SELECT 'entry ' || e.key || ' moves ' || a.asset || ' to ' || b.asset FROM ledger_posting p
        JOIN ledger_entry e ON e.id = p.entry_id JOIN ledger_account a ON a.id = p.source_id
        JOIN ledger_account b ON b.id = p.destination_id WHERE a.asset <> b.asset
        """,
    ),
    Promise(
        say(
            "바닥이 있는 계정은 0 밑으로 내려가지 않고 기록과 맞다",
            en="floored accounts are not negative and equal their entries",
        ),
        """
        SELECT a.code || ' keeps ' || a.balance || ', entries say ' || coalesce(sum(change.won), 0)
        FROM ledger_account a LEFT JOIN (
            SELECT destination_id AS account_id, amount AS won FROM ledger_posting
            UNION ALL SELECT source_id, -amount FROM ledger_posting
        ) AS change ON change.account_id = a.id
        WHERE a.balance IS NOT NULL GROUP BY a.id
        HAVING a.balance < 0 OR a.balance <> coalesce(sum(change.won), 0)
        """,
    ),
]

PAYMENTS = [
    Promise(
        say("결제마다 장부가 결제와 같다", en="for each payment the books say what the payment says"),
        """
        SELECT p.public_id || ' is ' || p.state || ' ' || p.amount || ' - ' || p.refunded
               || ', the books say ' || coalesce(b.paid, 0) || ' - ' || coalesce(b.back, 0)
               || ', refunds say ' || coalesce(r.done, 0)
        FROM payments_payment p
        LEFT JOIN (
            SELECT e.reference, sum(o.amount) FILTER (WHERE e.kind = 'payment') AS paid,
                   sum(o.amount) FILTER (WHERE e.kind = 'refund') AS back
            FROM ledger_entry e JOIN ledger_posting o ON o.entry_id = e.id
            WHERE e.kind IN ('payment', 'refund') GROUP BY e.reference
        ) AS b ON b.reference = p.public_id
        LEFT JOIN (
            SELECT payment_id, sum(amount) AS done FROM payments_refund WHERE state = 'done' GROUP BY payment_id
        ) AS r ON r.payment_id = p.id
        WHERE coalesce(b.paid, 0) <> CASE p.state WHEN 'approved' THEN p.amount ELSE 0 END
           OR coalesce(b.back, 0) <> p.refunded OR coalesce(r.done, 0) <> p.refunded
        """,
    ),
    Promise(
        say("장부의 결제 기록마다 결제가 있다", en="no payment stands in the books alone"),
        """
        SELECT 'entry ' || key FROM ledger_entry e WHERE kind IN ('payment', 'refund')
           AND NOT EXISTS (SELECT 1 FROM payments_payment WHERE public_id = e.reference)
        """,
    ),
    Promise(
        say("낸 돈보다 많이 돌려주지 않는다", en="never more goes back than was paid"),
        """
        SELECT p.public_id || ' of ' || p.amount || ' returns ' || sum(r.amount)
        FROM payments_payment p JOIN payments_refund r ON r.payment_id = p.id AND r.state <> 'failed'
        GROUP BY p.id HAVING sum(r.amount) > p.amount OR sum(r.tax_free) > p.tax_free
        """,
    ),
]

STORY = [
    Promise(
        say("계산서마다 낸 돈이 맞다", en="for each bill the payments add up to what it asks"),
        """
        SELECT b.public_id || ' is ' || b.state || ', asks ' || b.total || ' - ' || b.refunded
               || ', payments hold ' || coalesce(p.held, 0)
        FROM ordering_bill b LEFT JOIN (
            SELECT p.reference, sum(p.amount - coalesce(r.gone, 0)) AS held
            FROM payments_payment p LEFT JOIN (
                SELECT payment_id, sum(amount) AS gone FROM payments_refund WHERE state <> 'failed' GROUP BY payment_id
            ) AS r ON r.payment_id = p.id
            WHERE p.state = 'approved' GROUP BY p.reference
        ) AS p ON p.reference = b.public_id LEFT JOIN (
            SELECT bill_id, sum(amount - refunded) AS held FROM ordering_billpart WHERE state IN ('paid', 'returned')
            GROUP BY bill_id
        ) AS s ON s.bill_id = b.id
        WHERE coalesce(p.held, 0) + coalesce(s.held, 0)
              <> CASE WHEN b.state IN ('settled', 'returned') THEN b.total - b.refunded
                      WHEN b.state = 'open' THEN coalesce(s.held, 0) ELSE 0 END
        """,
    ),
    Promise(
        say("나눈 몫마다 낸 돈이 맞다", en="each part of a split bill is what its payment holds"),
        """
        SELECT t.public_id || ' is ' || t.state || ' with ' || t.amount || ' - ' || t.refunded || ', payments hold '
               || coalesce(p.held, 0)
        FROM ordering_billpart t LEFT JOIN (
            SELECT p.reference, sum(p.amount - coalesce(r.gone, 0)) AS held
            FROM payments_payment p LEFT JOIN (
                SELECT payment_id, sum(amount) AS gone FROM payments_refund WHERE state <> 'failed' GROUP BY payment_id
            ) AS r ON r.payment_id = p.id
            WHERE p.state = 'approved' GROUP BY p.reference
        ) AS p ON p.reference = t.public_id
        WHERE coalesce(p.held, 0) <> CASE WHEN t.state IN ('paid', 'returned') THEN t.amount - t.refunded ELSE 0 END
        UNION ALL
        SELECT b.public_id || ' is open with ' || b.taken || ' taken, its parts hold ' || coalesce(sum(t.amount - t.refunded), 0)
        FROM ordering_bill b LEFT JOIN ordering_billpart t ON t.bill_id = b.id AND t.state IN ('taken', 'paid')
        WHERE b.state = 'open' GROUP BY b.id HAVING b.taken <> coalesce(sum(t.amount - t.refunded), 0)
        """,
    ),
    Promise(
        say("까닭 없는 결제는 없다", en="no payment is without a bill or a top-up"),
        """
        SELECT p.public_id || ' for ' || p.reference FROM payments_payment p
        WHERE p.state = 'approved' AND NOT EXISTS (SELECT 1 FROM ordering_bill WHERE public_id = p.reference)
          AND NOT EXISTS (SELECT 1 FROM wallet_topup WHERE public_id = p.reference)
          AND NOT EXISTS (SELECT 1 FROM ordering_billpart WHERE public_id = p.reference)
        """,
    ),
    Promise(
        say("쿠폰은 한 번에 한 곳에서만 쓰인다", en="a coupon is in use at most once"),
        """
        SELECT c.public_id || ' is in use ' || count(*) || ' times'
        FROM offers_redemption r JOIN offers_coupon c ON c.id = r.coupon_id
        WHERE r.state IN ('reserved', 'committed') GROUP BY c.id HAVING count(*) > 1
        """,
    ),
    Promise(
        say("쿠폰은 정한 수만큼만 나간다", en="no offer issues more coupons than its stock"),
        """
        SELECT o.public_id || ' issued ' || count(c.id) || ', says ' || o.issued || ' of ' || coalesce(o.stock::text, 'any')
        FROM offers_offer o LEFT JOIN offers_coupon c ON c.offer_id = o.id
        GROUP BY o.id HAVING count(c.id) > o.stock OR count(c.id) <> o.issued
        """,
    ),
    Promise(
        say("계산서의 할인은 쓴 쿠폰과 같다", en="a bill's discount is the coupons that it holds"),
        """
        SELECT b.public_id || ' is ' || b.state || ' with ' || b.discount || ' off, its coupons gave ' || coalesce(r.used, 0)
               || ' and hold ' || coalesce(r.held, 0)
        FROM ordering_bill b LEFT JOIN (
            SELECT reference, sum(amount) FILTER (WHERE state = 'committed') AS used,
                   sum(amount) FILTER (WHERE state = 'reserved') AS held
            FROM offers_redemption WHERE state IN ('reserved', 'committed') GROUP BY reference
        ) AS r ON r.reference = b.public_id
        WHERE coalesce(r.used, 0) <> CASE b.state WHEN 'settled' THEN b.discount ELSE 0 END
           OR coalesce(r.held, 0) <> CASE b.state WHEN 'open' THEN b.discount ELSE 0 END
        """,
    ),
    Promise(
        say("할인 예산은 정한 만큼만 쓰인다", en="no offer spends more than its budget"),
        """
        SELECT o.public_id || ' spent ' || coalesce(r.won, 0) || ', says ' || o.spent || ' of ' || o.budget
        FROM offers_offer o LEFT JOIN (
            SELECT c.offer_id, sum(r.amount) AS won FROM offers_redemption r JOIN offers_coupon c ON c.id = r.coupon_id
            WHERE r.state IN ('reserved', 'committed') GROUP BY c.offer_id
        ) AS r ON r.offer_id = o.id
        WHERE o.budget IS NOT NULL AND (o.spent <> coalesce(r.won, 0) OR o.spent > o.budget)
        """,
    ),
    Promise(
        say("함께 내는 곳의 몫이 장부와 같다", en="what others pay of a discount is in the books"),
        """
        SELECT 'redemption ' || r.id || ' is ' || r.state || ', others pay ' || r.funded || ', the books say '
               || coalesce(b.won, 0)
        FROM offers_redemption r LEFT JOIN (
            SELECT e.reference, sum(CASE e.kind WHEN 'offer-funding' THEN p.amount ELSE -p.amount END) AS won
            FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id
            WHERE e.kind IN ('offer-funding', 'offer-funding-reversal') GROUP BY e.reference
        ) AS b ON b.reference = 'redemption:' || r.id
        WHERE coalesce(b.won, 0) <> CASE r.state WHEN 'committed' THEN r.funded ELSE 0 END
        UNION ALL
        SELECT 'redemption ' || r.id || ': ' || share.who || ' pays ' || coalesce(b.won, 0) || ' of ' || r.amount
        FROM offers_redemption r JOIN offers_coupon c ON c.id = r.coupon_id JOIN offers_offer o ON o.id = c.offer_id
        CROSS JOIN LATERAL jsonb_each_text(o.funders) AS share (who, bps) LEFT JOIN (
            SELECT e.reference, a.code, sum(p.amount) AS won
            FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.source_id
            WHERE e.kind = 'offer-funding' GROUP BY e.reference, a.code
        ) AS b ON b.reference = 'redemption:' || r.id AND b.code = 'offers:' || share.who
        WHERE r.state = 'committed' AND share.who <> 'shop'
          AND abs(coalesce(b.won, 0) * 10000 - r.amount::bigint * share.bps::int) >= 10000
        """,
    ),
    Promise(
        say("할인은 줄마다 나뉘어 남김없이 맞다", en="a bill's discount is what its lines carry"),
        """
        SELECT b.public_id || ' takes ' || b.discount || ' off, its lines ' || sum(l.discount)
        FROM ordering_bill b JOIN ordering_order o ON o.bill_id = b.id JOIN ordering_orderline l ON l.order_id = o.id
        WHERE b.state IN ('open', 'settled') GROUP BY b.id HAVING sum(l.discount) NOT IN (0, b.discount)
        """,
    ),
    Promise(
        say("포인트는 장부와 같다", en="each friend's points are what the books say"),
        """
        SELECT r.public_id || ' has ' || coalesce(l.points, 0) - r.points_debt || ' points, the books say '
               || coalesce(b.points, 0)
        FROM regulars_relation r LEFT JOIN (
            SELECT relation_id, sum(remaining) AS points FROM regulars_pointlot GROUP BY relation_id
        ) AS l ON l.relation_id = r.id LEFT JOIN (
            SELECT a.code, sum(change.points) AS points FROM ledger_account a JOIN (
                SELECT destination_id AS account_id, amount AS points FROM ledger_posting
                UNION ALL SELECT source_id, -amount FROM ledger_posting
            ) AS change ON change.account_id = a.id WHERE a.asset = 'POINT' GROUP BY a.code
        ) AS b ON b.code = 'points:' || r.public_id
        WHERE coalesce(l.points, 0) - r.points_debt <> coalesce(b.points, 0)
        """,
    ),
    Promise(
        say("도장마다 까닭이 있다", en="every stamp has a source"),
        """
        SELECT r.public_id || ' has ' || r.stamps || ' stamps, their sources say ' || coalesce(v.stamps, 0)
               + coalesce(h.stamps, 0)
        FROM regulars_relation r LEFT JOIN (
            SELECT relation_id, sum(stamps) AS stamps FROM regulars_countedvisit GROUP BY relation_id
        ) AS v ON v.relation_id = r.id LEFT JOIN (
            SELECT relation_id, sum(count) AS stamps FROM regulars_handstamp GROUP BY relation_id
        ) AS h ON h.relation_id = r.id
        WHERE r.stamps <> coalesce(v.stamps, 0) + coalesce(h.stamps, 0)
        """,
    ),
    Promise(
        say("결제 요청과 계산서는 서로 어긋나지 않는다", en="checkouts and their bills tell one story"),
        """
        SELECT c.public_id || ' is ' || c.state || ', its bill ' || b.state
        FROM checkouts_checkout c JOIN ordering_bill b ON b.id = c.bill_id
        WHERE (c.state, b.state) NOT IN (('open', 'open'), ('paid', 'settled'), ('returned', 'returned'),
                                         ('cancelled', 'void'), ('expired', 'void'))
        """,
    ),
    Promise(
        say("주문과 계산서는 서로 어긋나지 않는다", en="orders and bills tell one story"),
        """
        SELECT o.public_id || ' is ' || o.state || ', its bill ' || coalesce(b.state, 'is missing')
        FROM ordering_order o LEFT JOIN ordering_bill b ON b.id = o.bill_id
        WHERE o.state = 'waiting' AND b.state IS DISTINCT FROM 'open'
           OR o.state = 'given_up' AND b.state IN ('open', 'settled')
           OR o.state NOT IN ('given_up', 'refused') AND b.state = 'void' AND NOT EXISTS (
               SELECT FROM ordering_orderstep s WHERE s.order_id = o.id AND s.at = b.ended_at AND s.reason <> '')
           OR o.state NOT IN ('given_up', 'refused') AND b.state = 'returned' AND b.total > 0
        """,
    ),
]

WALLET = [
    Promise(
        say("지갑마다 0 밑으로 내려가지 않는 계정이 있다", en="each wallet is an account that keeps a floor"),
        """
        SELECT w.public_id || ' has no account with a floor' FROM wallet_wallet w
        WHERE NOT EXISTS (SELECT 1 FROM ledger_account WHERE code = 'wallet:' || w.public_id AND balance IS NOT NULL)
        UNION ALL
        SELECT a.code || ' is nobody''s wallet' FROM ledger_account a
        WHERE a.code LIKE 'wallet:%' AND NOT EXISTS (SELECT 1 FROM wallet_wallet WHERE 'wallet:' || public_id = a.code)
        """,
    ),
    Promise(
        say("충전마다 결제가 있고 결제마다 충전이 있다", en="a top-up is paid if and only if its payment is"),
        """
        SELECT t.public_id || ' is ' || t.state || ' with ' || t.amount || ', its payment holds ' || coalesce(p.won, 0)
        FROM wallet_topup t LEFT JOIN (
            SELECT p.reference, sum(p.amount) AS won FROM payments_payment p WHERE p.state = 'approved' AND NOT EXISTS (
                SELECT 1 FROM payments_refund r WHERE r.payment_id = p.id AND r.reason = 'late')
            GROUP BY p.reference
        ) AS p ON p.reference = t.public_id
        WHERE coalesce(p.won, 0) <> CASE t.state WHEN 'paid' THEN t.amount ELSE 0 END
        """,
    ),
    Promise(
        say("지갑에서 나간 돈은 지갑의 결제와 같다", en="what wallets paid is what their payments say"),
        """
        SELECT p.public_id || ' of ' || p.amount - p.refunded || ' came from ' || p.source || ', the books say '
               || coalesce(b.won, 0)
        FROM payments_payment p LEFT JOIN (
            SELECT e.reference, a.code, sum(change.won) AS won FROM ledger_entry e JOIN (
                SELECT entry_id, source_id AS account_id, amount AS won FROM ledger_posting
                UNION ALL SELECT entry_id, destination_id, -amount FROM ledger_posting
            ) AS change ON change.entry_id = e.id JOIN ledger_account a ON a.id = change.account_id
            WHERE e.kind IN ('payment', 'refund') AND a.code LIKE 'wallet:%' GROUP BY e.reference, a.code
        ) AS b ON b.reference = p.public_id AND b.code = p.source
        WHERE p.source <> '' AND coalesce(b.won, 0) <> p.amount - p.refunded
        """,
    ),
    Promise(
        say("돌려보내는 중인 돈은 돌려보낼 결제와 같다", en="what is held on its way back is what refunds wait for"),
        """
        SELECT a.code || ' holds ' || a.balance || ', refunds wait for ' || coalesce(r.won, 0)
        FROM ledger_account a LEFT JOIN (
            SELECT account, sum(amount) AS won FROM payments_refund WHERE state = 'asked' GROUP BY account
        ) AS r ON r.account = a.code
        WHERE a.code LIKE 'returning:%' AND a.balance IS DISTINCT FROM coalesce(r.won, 0)
        """,
    ),
]

SETTLEMENT = [
    Promise(
        say(
            "가게마다 정산이 받은 돈과 맞다",
            en="each shop's payouts, fees and balance are its payments less refunds, and what moved besides",
        ),
        """
        SELECT s.public_id || ' has ' || coalesce(p.settled, 0) || ' settled and ' || coalesce(b.won, 0)
               || ' waiting, was paid ' || coalesce(t.taken, 0) || ' and moved ' || coalesce(o.won, 0) || ' besides'
        FROM shops_shop s
        LEFT JOIN (SELECT shop_id, sum(net + fees + kept) AS settled FROM settlement_payout GROUP BY shop_id) AS p
          ON p.shop_id = s.id
        LEFT JOIN (SELECT payee, sum(amount - refunded) AS taken FROM payments_payment WHERE state = 'approved'
                   GROUP BY payee) AS t ON t.payee = 'shop:' || s.public_id
        LEFT JOIN (
            SELECT a.code, sum(change.won) AS won FROM ledger_account a JOIN (
                SELECT destination_id AS account_id, amount AS won FROM ledger_posting
                UNION ALL SELECT source_id, -amount FROM ledger_posting
            ) AS change ON change.account_id = a.id WHERE a.code LIKE 'shop:%' GROUP BY a.code
        ) AS b ON b.code = 'shop:' || s.public_id
        LEFT JOIN (
            SELECT a.code, sum(change.won) AS won FROM ledger_account a JOIN (
                SELECT entry_id, destination_id AS account_id, amount AS won FROM ledger_posting
                UNION ALL SELECT entry_id, source_id, -amount FROM ledger_posting
            ) AS change ON change.account_id = a.id JOIN ledger_entry e ON e.id = change.entry_id
            WHERE a.code LIKE 'shop:%' AND e.kind NOT IN ('payment', 'refund', 'payout') GROUP BY a.code
        ) AS o ON o.code = 'shop:' || s.public_id
        WHERE coalesce(p.settled, 0) + coalesce(b.won, 0) <> coalesce(t.taken, 0) + coalesce(o.won, 0)
        """,
    ),
    Promise(
        say(
            "정산 내역을 더하면 장부가 옮긴 돈이다",
            en="a payout's lines add up to what it says and to what the books moved",
        ),
        """
        SELECT p.public_id || ' says ' || p.amount || ' - ' || p.fees || ' - ' || p.kept || ' = ' || p.net || ', its lines '
               || coalesce(l.amount, 0) || ' - ' || coalesce(l.fees, 0) || ' - ' || coalesce(l.kept, 0)
               || ', the books ' || coalesce(b.won, 0)
        FROM settlement_payout p JOIN shops_shop s ON s.id = p.shop_id
        LEFT JOIN (
            SELECT payout_id, sum(amount) AS amount, sum(kept) AS kept,
                   sum(card_fee + provider_fee + platform_fee + fee_vat) AS fees
            FROM settlement_payoutline GROUP BY payout_id
        ) AS l ON l.payout_id = p.id
        LEFT JOIN (
            SELECT o.entry_id, a.code, sum(o.won) AS won FROM (
                SELECT entry_id, source_id AS account_id, amount AS won FROM ledger_posting
                UNION ALL SELECT entry_id, destination_id, -amount FROM ledger_posting
            ) AS o JOIN ledger_account a ON a.id = o.account_id GROUP BY o.entry_id, a.code
        ) AS b ON b.entry_id = p.entry_id AND b.code = 'shop:' || s.public_id
        WHERE (p.amount, p.fees, p.kept) IS DISTINCT FROM (coalesce(l.amount, 0), coalesce(l.fees, 0), coalesce(l.kept, 0))
           OR coalesce(b.won, 0) <> p.amount
        """,
    ),
    Promise(
        say("정산 한 줄은 장부 한 줄이다", en="each line of a payout is what one entry moved"),
        """
        SELECT p.public_id || ' has ' || l.amount || ' for ' || e.key || ', which moved ' || coalesce(sum(o.won), 0)
        FROM settlement_payoutline l JOIN settlement_payout p ON p.id = l.payout_id JOIN shops_shop s ON s.id = l.shop_id
        JOIN ledger_entry e ON e.id = l.entry_id LEFT JOIN ledger_account a ON a.code = 'shop:' || s.public_id
        LEFT JOIN (
            SELECT entry_id, destination_id AS account_id, amount AS won FROM ledger_posting
            UNION ALL SELECT entry_id, source_id, -amount FROM ledger_posting
        ) AS o ON o.entry_id = l.entry_id AND o.account_id = a.id
        GROUP BY p.id, l.id, e.id HAVING l.amount <> coalesce(sum(o.won), 0)
        """,
    ),
    Promise(
        say("입금된 정산만, 그리고 한 번만 은행으로 간다", en="what is paid, and only that, went to the bank, once"),
        """
        SELECT p.public_id || ' is ' || p.state || ' with ' || p.net || ', the books deposited ' || coalesce(sum(o.amount), 0)
        FROM settlement_payout p LEFT JOIN ledger_entry e ON e.key = 'deposit:' || p.public_id
        LEFT JOIN ledger_posting o ON o.entry_id = e.id
        GROUP BY p.id HAVING coalesce(sum(o.amount), 0) <> CASE p.state WHEN 'paid' THEN p.net ELSE 0 END
        """,
    ),
]


def main() -> int:
    """Print every promise and where it is broken. 0 when all of them hold."""
    broken = 0
    for text, wrong in _findings():
        broken += bool(wrong)
        typer.echo(f"{'✗' if wrong else '✓'} {text.ko} · {text.en}")
        for line in wrong[:SHOWN]:
            typer.echo(f"    {line}")
        if len(wrong) > SHOWN:
            typer.echo(f"    … {len(wrong) - SHOWN} 건 더 · more")
    verdict = (
        say("{n}가지가 맞지 않아요.", en="{n} promises are broken.", n=broken)
        if broken
        else say("모두 맞아요.", en="Everything holds.")
    )
    typer.echo(f"\n{verdict.within('ko')} · {verdict.within('en')}")
    return 1 if broken else 0


def _findings() -> Iterator[tuple[Text, list[str]]]:
    for promise in (*LEDGER, *PAYMENTS, *STORY, *WALLET, *SETTLEMENT):
        yield promise.text, _broken(promise)
    yield (
        say("봉인한 장부는 봉인할 때 그대로다", en="the sealed books are as they were when they were sealed"),
        _unsealed(),
    )
    yield say("손으로 찍은 도장은 서명대로다", en="stamps by hand are as they were signed"), _forged()
    yield say("사람이 봐야 할 결제가 없다", en="no payment waits for a person"), _for_a_person()
    yield (
        say("고객의 돈을 세 번 세어도 같다", en="customers' money comes to the same however it is counted"),
        _guarded(),
    )
    yield say("포기한 일이 없다 (`dure jobs`)", en="no job was given up (`dure jobs`)"), _given_up()
    yield say("결제마다 결제사의 말과 같다", en="each payment is what its provider says"), _against_providers()
    for provider, address in _practice_lists():
        listed = _sandbox_list(address)
        if listed is not None:
            yield (
                say(
                    "결제 연습장({name})의 돈이 우리 돈과 같다",
                    en="the sandbox's money ({name}) is our money",
                    name=provider,
                ),
                _against_list(provider, listed),
            )


def _practice_lists() -> list[tuple[str, str]]:
    toss = settings.TOSS["host"]
    return [
        ("kakaopay", f"{settings.KAKAOPAY['host']}/sandbox/payments"),
        *([("toss", f"{toss.removesuffix('/toss')}/sandbox/toss/payments")] if toss.endswith("/toss") else []),
    ]


def _broken(promise: Promise) -> list[str]:
    with transaction.atomic(), fence.across_shops(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '5min'")
        cursor.execute(promise.broken)
        return [str(row[0]) for row in cursor.fetchall()]


def _unsealed() -> list[str]:
    with transaction.atomic():
        outside = heads.known()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '5min'")
        wrong = list(ledger_queries.broken_seals(outside))
        if not outside and ledger_queries.last_seal():
            wrong.append(f"no head is kept in {heads.file()}: whether the tail was cut off cannot be told")
        return wrong


def _forged() -> list[str]:
    with fence.across_shops():
        return [f"stamp {one.pk} by {one.by} of {one.at:%Y-%m-%d}" for one in regular_queries.forged_stamps()]


def _guarded() -> list[str]:
    report = wallet_queries.safeguarding()
    left = [f"{one.public_id} is closed and holds won" for one in wallet_queries.wallets_for_a_person()]
    return left if report.agrees else [*left, f"the report does not agree: {report}"]


def _for_a_person() -> list[str]:
    stuck, refunds = payment_queries.for_a_person(now())
    return [
        *(f"{one.public_id} is {one.state} since {one.approving_at:%Y-%m-%d %H:%M}" for one in stuck),
        *(f"{one.public_id} is {one.state}: {one.amount} won, {one.refusal or 'no answer'}" for one in refunds),
    ]


def _given_up() -> list[str]:
    return [f"job {one.number} {one.name} after {one.attempts} attempts" for one in jobs.given_up()]


def _against_providers() -> list[str]:
    known = Payment.objects.exclude(provider=COUNTER).exclude(source__gt="").exclude(provider_key=None).order_by("id")
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        doubtful = [payment for payment, wrong in pool.map(_asked, known.iterator(500)) if wrong]
    # Something may have moved while we asked: what still differs after a second look is wrong.
    again = (_asked(payment) for payment in Payment.objects.filter(pk__in=[p.pk for p in doubtful]).order_by("id"))
    return [f"{payment.public_id} {wrong}" for payment, wrong in again if wrong and not _in_motion(payment)]


def _asked(payment: Payment) -> tuple[Payment, str]:
    truth = provider_named(payment.provider).order(payment.terms)
    ours = payment.amount - payment.refunded if payment.state == PaymentState.APPROVED else 0
    if truth.standing is Standing.UNKNOWN:
        return payment, f"is {payment.state}, and {payment.provider} does not say how it stands ({truth.code})"
    if not believable(truth, payment.terms):
        return payment, f"is not the payment that {payment.provider} speaks of"
    if truth.counted != ours:
        return payment, f"holds {ours}, {payment.provider} says {truth.counted} ({truth.code})"
    return payment, ""


def _in_motion(payment: Payment) -> bool:
    return payment.state == PaymentState.APPROVING or payment.refunds.filter(state=RefundState.ASKED).exists()


def _sandbox_list(address: str) -> list[dict[str, object]] | None:
    """Every payment of the sandbox; None where the provider is no sandbox."""
    try:
        answer = httpx.get(address, timeout=30, trust_env=False)
        found = answer.json()["payments"] if answer.is_success else None
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, list) else None


def _against_list(provider: str, listed: Iterable[dict[str, object]]) -> list[str]:
    ours = {
        payment.public_id: payment.amount - payment.refunded
        for payment in Payment.objects.filter(provider=provider, state=PaymentState.APPROVED)
    }
    wrong = []
    for one in listed:
        held = int(str(one["total"])) - int(str(one["canceled"])) if one["approvals"] else 0
        name = str(one["partner_order_id"])
        kept = ours.pop(name, 0)
        if one["approvals"] not in (0, 1):
            wrong.append(f"{name} was approved {one['approvals']} times")
        if kept != held and not any(_in_motion(p) for p in Payment.objects.filter(public_id=name)):
            wrong.append(f"{name} holds {kept} here and {held} there")
    wrong.extend(f"{name} holds {kept} here and is unknown there" for name, kept in ours.items() if kept)
    return wrong
