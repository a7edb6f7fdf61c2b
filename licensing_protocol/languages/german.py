"""German."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    "entitlement.absent": "Dieses Gerät hat noch keine Berechtigung; melden Sie es an oder lassen Sie es abgleichen.",
    "entitlement.not_yet_valid": "Die Berechtigung gilt noch nicht.",
    "entitlement.expired": "Die Berechtigung ist abgelaufen; lassen Sie das Gerät abgleichen oder bitten Sie den "
    "Exporteur um eine Verlängerung.",
    "entitlement.release": "Die Berechtigung deckt diese Version nicht ab; bitten Sie den Exporteur um eine neue.",
    "entitlement.manifest": "Die Berechtigung wurde für ein anderes Produktmanifest ausgestellt; lassen Sie das Gerät "
    "abgleichen.",
    "capability.unknown": "Das Manifest des Produkts nennt diese Fähigkeit nicht.",
    "capability.stripped": "Diese Fähigkeit ist diesem Gerät nicht gewährt.",
    "limit.unsupported": "Die Gewährung trägt eine Grenze, die diese Installation nicht durchsetzen kann: {limits}.",
    "status.absent": "Für diese Gewährung ist noch keine Statusliste da; lassen Sie das Gerät abgleichen.",
    "status.invalid": "Diese Gewährung wurde widerrufen; die Mitteilung des Exporteurs sagt, warum und wo Sie "
    "Beschwerde einlegen können.",
    "status.suspended": "Diese Gewährung ist ausgesetzt; die Mitteilung des Exporteurs sagt, warum und wo Sie "
    "Beschwerde einlegen können.",
    "status.stale": "Die neueste Statusliste ist zu alt; verbinden Sie das Gerät, damit es eine neue holen kann.",
    "contact.silent": "Der Exporteur hat zu lange nichts von diesem Gerät gehört; verbinden Sie es, damit es berichten "
    "kann.",
    "contact.this_boot": "Der Exporteur muss nach jedem Start von diesem Gerät hören; verbinden Sie es.",
    "time.unknown": "Seit die Uhr gestellt wurde, ist der Zeit nicht zu trauen; verbinden Sie das Gerät einmal.",
    "period.not_yet": "Der Zeitraum der Gewährung hat noch nicht begonnen.",
    "period.over": "Der Zeitraum der Gewährung ist vorbei.",
    "schedule.closed": "Außerhalb der Zeiten, die die Gewährung erlaubt.",
    "area.outside": "Nicht an einem Ort, den die Gewährung erlaubt; begeben Sie sich an einen.",
    "area.denied_zone": "In einer Zone, in der die Gewährung dies verbietet; verlassen Sie sie.",
    "area.uncertain": "Zu nah an einer Grenze oder eine zu ungenaue Position, um zu sagen, ob die Gewährung dies hier "
    "erlaubt; gehen Sie weiter von der Grenze weg oder warten Sie auf eine bessere Position.",
    "area.no_position": "Die Gewährung hängt vom Ort ab, und aus den letzten {max_age} s ist keine Position bekannt; "
    "sorgen Sie dafür, dass der Empfänger freie Sicht zum Himmel hat.",
    "quota.exhausted": "Die Nutzungen, die die Gewährung erlaubt, sind verbraucht.",
    "parameters.refused": "Die Gewährung erlaubt diese Parameter nicht: {problem}.",
    "authority.missing": "Nennen Sie die Rechtsgrundlage dieser Nutzung.",
    "authority.refused": "Die genannte Rechtsgrundlage hat nicht die Form, die die Gewährung verlangt.",
    "operators.too_few": "Die Gewährung verlangt {distinct} verschiedene Bediener hinter dieser Nutzung.",
    "store.unreadable": "Der Speicher des Geräts ist nicht lesbar; seine Daten müssen repariert oder das Gerät neu "
    "angemeldet werden.",
    "store.newer": "Der Speicher des Geräts wurde von einem neueren Agenten geschrieben; installieren Sie dessen "
    "Version.",
    "store.locked": "Der Speicher des Geräts ist belegt; versuchen Sie es noch einmal.",
    "store.full": "Der Datenträger des Geräts ist voll, es kann nichts mehr festgehalten werden; schaffen Sie Platz.",
    "journal.full": "Das Journal ist voll, bis der Exporteur es bestätigt; verbinden Sie das Gerät.",
    "agent.closed": "Der Agent wurde geschlossen.",
}

PHRASES: Final[Mapping[str, str]] = {
    "retry_at": "Frühestens sinnvoll ist ein neuer Versuch: {instant}.",
    "possible_at": "Frühestens dann kann alles, was dagegen spricht, vergangen sein: {instant}.",
    "zone.area.outside": "Die nächste Zone, in der es erlaubt ist: {zone}.",
    "zone.area.denied_zone": "Die Zone, die es verbietet: {zone}.",
    "zone.area.uncertain": "Die Zone, deren Grenze zu nah ist: {zone}.",
    "decision.granted": "gewährt",
    "decision.degraded": "in geringerer Form gewährt",
    "decision.denied": "verweigert",
    "unknown.denied": "Was hier unbekannt ist, wird verweigert.",
    "unknown.degraded": "Was hier unbekannt ist, lässt eine geringere Form: {parameters}.",
    "column.step": "betrachtet",
    "column.verdict": "Befund",
    "column.until": "mindestens bis",
    "column.why": "Grund",
    "verdict.holds": "erfüllt",
    "verdict.unknown": "unbekannt",
    "verdict.fails": "verletzt",
    "step.safety": "Sicherheitsfunktion",
    "step.device": "Agent und Speicher",
    "step.manifest": "Fähigkeit des Produkts",
    "step.entitlement": "Berechtigung",
    "step.release": "Version",
    "step.identity": "Produktmanifest",
    "step.grant": "Gewährung",
    "step.limits": "hier bekannte Grenzen",
    "step.status": "Statusliste",
    "step.validity": "Gültigkeit der Berechtigung",
    "step.freshness": "Nachrichten und Berichte",
    "step.period": "Zeitraum",
    "step.schedule": "Zeitplan",
    "step.area": "Ort",
    "step.authority": "Rechtsgrundlage",
    "step.operators": "Bediener",
    "step.parameters": "Parameter",
    "step.quota": "Kontingent",
}
