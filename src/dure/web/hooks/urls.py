from django.urls import path

from dure.web.hooks.pages import kakaopay, messages, toss

urlpatterns = [
    path("kakaopay/<public_id:payment>/approval", kakaopay.approval, name="kakaopay-approval"),
    path("kakaopay/<public_id:payment>/cancel", kakaopay.cancel, name="kakaopay-cancel"),
    path("kakaopay/<public_id:payment>/fail", kakaopay.fail, name="kakaopay-fail"),
    path("toss/<public_id:payment>/success", toss.success, name="toss-success"),
    path("toss/<public_id:payment>/fail", toss.fail, name="toss-fail"),
    path("toss/webhook", toss.webhook, name="toss-webhook"),
    path("solapi/<str:word>", messages.solapi, name="solapi-reports"),
    path("nhn/<str:word>", messages.nhn, name="nhn-reports"),
]
