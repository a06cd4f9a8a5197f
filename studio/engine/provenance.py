"""What an exported file says about itself: its title, the software, and that a trained model drew it.

The digital source type is IPTC's, which publishers and platforms look for: `trainedAlgorithmicMedia` marks media made
by a trained model, `compositeWithTrainedAlgorithmicMedia` such media put together with others, here with an image
behind the head. It travels as XMP, in the place each kind of file keeps it, and in the container's own tags. Every
export carries it; nothing switches it off.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from studio import __version__

SOFTWARE = f"EmoZone Studio {__version__}"

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC NewsCodes, scheme “digitalsourcetype”: a head, alone or over a colour."""

COMPOSITE_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""Of the same scheme: a head in front of an image."""

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""Of the box that holds XMP in an ISO media file (XMP specification, part 3)."""


@dataclass(frozen=True)
class Provenance:
    """The description of one export."""

    title: str
    composed: bool = False  # whether an image from elsewhere stands behind the head

    @property
    def source_type(self) -> str:
        """The IPTC digital source type."""
        return COMPOSITE_SOURCE_TYPE if self.composed else DIGITAL_SOURCE_TYPE

    @property
    def tags(self) -> dict[str, str]:
        """For containers with tags of their own; players show the title, and the comment as a description."""
        return {
            "title": self.title,
            "encoding_tool": SOFTWARE,
            "comment": f"Made with {SOFTWARE}. Digital source type: {self.source_type}",
        }

    def xmp(self) -> str:
        """The XMP packet."""
        title = escape("".join(c if c.isprintable() else " " for c in self.title))
        return (
            '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
            '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
            ' xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
            ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
            f" xmp:CreatorTool={quoteattr(SOFTWARE)} Iptc4xmpExt:DigitalSourceType={quoteattr(self.source_type)}>"
            f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>'
            '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
        )

    def iso_box(self) -> bytes:
        """The packet as a box that may stand at the end of an MP4 file."""
        packet = self.xmp().encode()
        return (8 + len(XMP_UUID) + len(packet)).to_bytes(4, "big") + b"uuid" + XMP_UUID + packet
