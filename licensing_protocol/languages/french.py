"""French."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    "entitlement.absent": "Cet appareil n'a pas encore d'autorisation ; inscrivez-le ou laissez-le se synchroniser.",
    "entitlement.not_yet_valid": "L'autorisation n'est pas encore valable.",
    "entitlement.expired": "L'autorisation a expiré ; laissez l'appareil se synchroniser ou demandez un renouvellement "
    "à l'exportateur.",
    "entitlement.release": "L'autorisation ne couvre pas cette version ; demandez-en une nouvelle à l'exportateur.",
    "entitlement.manifest": "L'autorisation a été émise pour un autre manifeste du produit ; laissez l'appareil se "
    "synchroniser.",
    "capability.unknown": "Le manifeste du produit ne nomme pas cette fonction.",
    "capability.stripped": "Cette fonction n'est pas accordée à cet appareil.",
    "limit.unsupported": "L'accord comporte une limite que cette installation ne sait pas appliquer : {limits}.",
    "status.absent": "Aucune liste d'état n'est arrivée pour cet accord ; laissez l'appareil se synchroniser.",
    "status.invalid": "Cet accord a été révoqué ; l'avis de l'exportateur dit pourquoi et où faire recours.",
    "status.suspended": "Cet accord est suspendu ; l'avis de l'exportateur dit pourquoi et où faire recours.",
    "status.stale": "La dernière liste d'état est trop ancienne ; connectez l'appareil pour qu'il en prenne une "
    "nouvelle.",
    "contact.silent": "L'exportateur n'a pas eu de nouvelles de cet appareil depuis trop longtemps ; connectez-le pour "
    "qu'il fasse rapport.",
    "contact.this_boot": "L'exportateur doit avoir des nouvelles de cet appareil après chaque démarrage ; "
    "connectez-le.",
    "time.unknown": "L'heure n'est plus fiable depuis que l'horloge a été réglée ; connectez l'appareil une fois.",
    "period.not_yet": "La période de l'accord n'a pas commencé.",
    "period.over": "La période de l'accord est terminée.",
    "schedule.closed": "En dehors des heures que l'accord permet.",
    "area.outside": "En dehors des lieux que l'accord permet ; rendez-vous dans l'un d'eux.",
    "area.denied_zone": "Dans une zone où l'accord l'interdit ; quittez-la.",
    "area.uncertain": "Trop près d'une limite, ou position trop imprécise, pour dire si l'accord le permet ici ; "
    "éloignez-vous de la limite ou attendez une meilleure position.",
    "area.no_position": "L'accord dépend du lieu et aucune position des dernières {max_age} s n'est connue ; veillez à "
    "ce que le récepteur voie le ciel.",
    "quota.exhausted": "Les utilisations que l'accord permet sont épuisées.",
    "parameters.refused": "L'accord ne permet pas ces paramètres : {problem}.",
    "authority.missing": "Citez la base légale de cette utilisation.",
    "authority.refused": "La base légale citée n'a pas la forme que l'accord demande.",
    "operators.too_few": "L'accord demande {distinct} opérateurs différents pour cette utilisation.",
    "store.unreadable": "La mémoire de l'appareil est illisible ; ses données doivent être réparées ou l'appareil "
    "inscrit à nouveau.",
    "store.newer": "La mémoire de l'appareil a été écrite par un agent plus récent ; installez cette version.",
    "store.locked": "La mémoire de l'appareil est occupée ; réessayez.",
    "store.full": "Le disque de l'appareil est plein, rien ne peut être consigné ; libérez de la place.",
    "journal.full": "Le journal est plein jusqu'à ce que l'exportateur le confirme ; connectez l'appareil.",
    "agent.closed": "L'agent a été fermé.",
}

PHRASES: Final[Mapping[str, str]] = {
    "retry_at": "Un nouvel essai n'a de sens qu'à partir de : {instant}.",
    "possible_at": "Le plus tôt où tout ce qui s'y oppose peut avoir disparu : {instant}.",
    "zone.area.outside": "La zone la plus proche où c'est permis : {zone}.",
    "zone.area.denied_zone": "La zone qui l'interdit : {zone}.",
    "zone.area.uncertain": "La zone dont la limite est trop proche : {zone}.",
    "decision.granted": "accordé",
    "decision.degraded": "accordé sous une forme réduite",
    "decision.denied": "refusé",
    "unknown.denied": "Ce qui est inconnu ici est refusé.",
    "unknown.degraded": "Ce qui est inconnu ici laisse une forme réduite : {parameters}.",
    "column.step": "examiné",
    "column.verdict": "constat",
    "column.until": "au moins jusqu'à",
    "column.why": "raison",
    "verdict.holds": "respecté",
    "verdict.unknown": "inconnu",
    "verdict.fails": "enfreint",
    "step.safety": "fonction de sécurité",
    "step.device": "agent et mémoire",
    "step.manifest": "fonction du produit",
    "step.entitlement": "autorisation",
    "step.release": "version",
    "step.identity": "manifeste du produit",
    "step.grant": "accord",
    "step.limits": "limites connues ici",
    "step.status": "liste d'état",
    "step.validity": "validité de l'autorisation",
    "step.freshness": "nouvelles et rapports",
    "step.period": "période",
    "step.schedule": "horaire",
    "step.area": "lieu",
    "step.authority": "base légale",
    "step.operators": "opérateurs",
    "step.parameters": "paramètres",
    "step.quota": "quota",
}
