"""What is shown of a plugin."""

from dataclasses import replace

from engine.plugins.consequences import consequences
from engine.plugins.contract.values import Values
from engine.plugins.infos import OfferInfo, PluginInfo
from engine.plugins.isolation import unenforced
from engine.plugins.manifest import Manifest, OfferKind
from engine.plugins.offers import Offers


def describe(plain: PluginInfo, manifest: Manifest, offers: Offers | None, settings: Values) -> PluginInfo:
    """Add what a plugin says about itself.

    Args:
        plain: what its host knows.
        manifest: of the plugin.
        offers: what it offers; None while it does not run.
        settings: their values now.
    """
    return replace(
        plain,
        name=manifest.name,
        version=manifest.version,
        api=manifest.api,
        summary=manifest.summary,
        author=manifest.author,
        licence=manifest.licence,
        homepage=manifest.homepage,
        permissions=manifest.permissions,
        offers=_offer_infos(manifest, offers),
        # A stranger's folder lies in the folder of all strangers' plugins, which lies in Hearth's data folder.
        consequences=() if plain.is_bundled else consequences(manifest, plain.folder.parents[1]),
        unenforced=() if plain.is_bundled else unenforced(),
        fields=manifest.settings,
        settings=settings,
    )


def _offer_infos(manifest: Manifest, offers: Offers | None) -> tuple[OfferInfo, ...]:
    if offers is None:
        return tuple(OfferInfo(kind, name) for kind, name in manifest.provides)
    return (
        *(OfferInfo(OfferKind.FAMILY, family.id) for family in offers.families),
        *(OfferInfo(OfferKind.PIPELINE, pipeline.id) for pipeline in offers.pipelines),
        *(OfferInfo(OfferKind.TASK, task.id, task.title, task.summary) for task in offers.tasks),
        *(OfferInfo(OfferKind.TOOL, tool.spec.name, "", tool.spec.description) for tool in offers.tools),
        *(OfferInfo(OfferKind.TELEMETRY, source.id, source.title) for source in offers.telemetry),
    )
