"""Templates on the wire."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field

from registry.api.models.fields import (
    Code,
    Count,
    Flag,
    Id,
    Language,
    LongText,
    Positive,
    ShortText,
    UtcTime,
    WireIn,
    WireOut,
)
from registry.api.models.parties import PartyIn, PartyOut
from registry.domain.parties import PartyType
from registry.domain.template import (
    AgeLimits,
    Delegation,
    Exercise,
    MandateKind,
    Notify,
    Permission,
    PermissionType,
    Role,
    SignatureMethod,
    Signing,
    SigningBy,
    TemplateContent,
    TemplateStatus,
    TemplateVersion,
    Validity,
    content_document,
)

Titles = Annotated[dict[Language, ShortText], Field(max_length=40, examples=[{"sv": "Restaurangombud"}])]
Descriptions = Annotated[dict[Language, LongText], Field(max_length=40)]
GrantingType = Literal[PartyType.PERSON, PartyType.ORGANISATION]


class PermissionModel(WireIn):
    """One act or use that the template offers; `details` names what a form leaves to fill in."""

    code: Annotated[Code, Field(examples=["ceb9028a-ffce-4b9a-adca-165972fec48a"])]
    type: PermissionType
    title: Titles
    description: Descriptions = {}
    preselected: Flag = False
    details: Annotated[list[Code], Field(max_length=20)] = []


class ValidityModel(WireIn):
    """How long a mandate runs, in days; `open_ended` allows no end."""

    default_days: Positive = 365
    max_days: Annotated[int, Field(strict=True, ge=1, le=9131)] = 1825
    open_ended: Flag = False


class SigningModel(WireIn):
    """Who signs and how: `jws` is verified, `registered` and `paper` are attested by a registrar."""

    by: SigningBy = SigningBy.PRINCIPAL
    methods: Annotated[list[SignatureMethod], Field(max_length=10)] = [
        SignatureMethod.JWS,
        SignatureMethod.REGISTERED,
    ]
    request_lifetime_days: Positive = 180


class DelegationModel(WireIn):
    """How deep sub-mandates may go."""

    max_depth: Annotated[int, Field(strict=True, ge=0, le=10)] = 0


class ExerciseModel(WireIn):
    """How a mandate is used: how many together, each matter approved, how many times at most."""

    together: Annotated[int, Field(strict=True, ge=1, le=20)] = 1
    approval: Flag = False
    max_uses: Positive | None = None


class AgeLimitsModel(WireIn):
    """Whole years on the local date of the question."""

    principal_below: Annotated[int, Field(strict=True, ge=1, le=150)] | None = None
    representative_from: Annotated[int, Field(strict=True, ge=1, le=150)] | None = None


class NotifyModel(WireIn):
    """Which roles a message service is asked to tell, per kind of event."""

    issued: Annotated[list[Role], Field(max_length=4)] = []
    used: Annotated[list[Role], Field(max_length=4)] = []
    ended: Annotated[list[Role], Field(max_length=4)] = []


class TemplateTerms(WireIn):
    """Everything that a template version says, but whose it is."""

    kind: MandateKind
    department: ShortText | None = None
    services: Annotated[list[Code], Field(max_length=200, examples=[["oep-serveringstillstand"]])] = []
    title: Titles
    description: Descriptions = {}
    permissions: Annotated[list[PermissionModel], Field(max_length=200)]
    principal_types: Annotated[list[GrantingType], Field(max_length=2)] = [
        PartyType.PERSON,
        PartyType.ORGANISATION,
    ]
    representative_types: Annotated[list[GrantingType], Field(max_length=2)] = [
        PartyType.PERSON,
        PartyType.ORGANISATION,
    ]
    validity: ValidityModel = ValidityModel()
    signing: SigningModel = SigningModel()
    delegation: DelegationModel = DelegationModel()
    exercise: ExerciseModel = ExerciseModel()
    age_limits: AgeLimitsModel = AgeLimitsModel()
    may_revoke: Annotated[list[Role], Field(max_length=4)] = list(Role)
    notify: NotifyModel = NotifyModel()
    expiry_warning_days: Annotated[list[Positive], Field(max_length=20)] = []
    specifiers: Annotated[list[Code], Field(max_length=20)] = []
    details: Annotated[
        dict[Code, Annotated[list[ShortText], Field(max_length=100)]],
        Field(max_length=20, description="What is filled in for the mandate as a whole, with its choices"),
    ] = {}
    retention_days: Count = 3650
    external_code: ShortText | None = None


class TemplateIn(TemplateTerms):
    """A template as its third party writes it: `third_party` is the caller's organisation with its name."""

    third_party: PartyIn

    def to_content(self) -> TemplateContent:
        """The content in the domain's terms."""
        return TemplateContent(
            third_party=self.third_party.to_named(),
            kind=self.kind,
            title=self.title,
            permissions=tuple(
                Permission(
                    item.code, item.type, item.title, item.description, item.preselected, tuple(item.details)
                )
                for item in self.permissions
            ),
            department=self.department,
            services=tuple(self.services),
            description=self.description,
            principal_types=tuple(self.principal_types),
            representative_types=tuple(self.representative_types),
            validity=Validity(**self.validity.model_dump()),
            signing=Signing(self.signing.by, tuple(self.signing.methods), self.signing.request_lifetime_days),
            delegation=Delegation(**self.delegation.model_dump()),
            exercise=Exercise(**self.exercise.model_dump()),
            age_limits=AgeLimits(**self.age_limits.model_dump()),
            may_revoke=tuple(self.may_revoke),
            notify=Notify(tuple(self.notify.issued), tuple(self.notify.used), tuple(self.notify.ended)),
            expiry_warning_days=tuple(self.expiry_warning_days),
            specifiers=tuple(self.specifiers),
            details={name: tuple(values) for name, values in self.details.items()},
            retention_days=self.retention_days,
            external_code=self.external_code,
        )


class TemplateOut(TemplateTerms):
    """One version of a template."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    id: Id
    version: int
    status: TemplateStatus
    third_party: PartyOut
    updated_at: UtcTime
    published_at: UtcTime | None
    replaced_at: Annotated[
        UtcTime | None, Field(description="When a newer version took over; null for the newest")
    ]

    @classmethod
    def of(cls, version: TemplateVersion) -> Self:
        """Show a version."""
        content = content_document(version.content)
        return cls.model_validate(
            {
                **content,
                "id": version.id,
                "version": version.version,
                "status": version.status,
                "third_party": PartyOut.of(version.content.third_party),
                "updated_at": version.updated_at,
                "published_at": version.published_at,
                "replaced_at": version.replaced_at,
            }
        )


class TemplateList(WireOut):
    """One page of templates; `total` counts all that match."""

    items: list[TemplateOut]
    total: int
    limit: int
    offset: int


class TemplateVersions(WireOut):
    """Every version of a template that you may see, oldest first."""

    items: list[TemplateOut]
