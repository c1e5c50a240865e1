"""Conformance of the tasks on repositories, their settings, and people."""

from brickwork_github.repositories.models import BranchProtection, RequiredReviews
from brickwork_github.testing.contracts.tasks import GitHubTaskContract
from brickwork_github.testing.server import GitHubServer


class TestCreateRepository(GitHubTaskContract):
    """create_repository."""

    name = "github.create_repository"
    repository = None
    arguments = {"name": "Hello-World"}

    def prepare(self, server: GitHubServer) -> None:
        """Let it be created twice, which a repository that lives does not let."""
        server.answer("POST /user/repos", server.example("POST /user/repos"))


class TestCreateRepositoryFromTemplate(GitHubTaskContract):
    """create_repository_from_template."""

    name = "github.create_repository_from_template"
    repository = None
    arguments = {"template": "acme/service", "name": "billing"}


class TestGetRepository(GitHubTaskContract):
    """get_repository."""

    name = "github.get_repository"


class TestListRepositories(GitHubTaskContract):
    """list_repositories."""

    name = "github.list_repositories"
    repository = None
    arguments = {"organization": "octocat"}


class TestUpdateRepository(GitHubTaskContract):
    """update_repository."""

    name = "github.update_repository"
    arguments = {"description": "Hello"}


class TestArchiveRepository(GitHubTaskContract):
    """archive_repository."""

    name = "github.archive_repository"

    def prepare(self, server: GitHubServer) -> None:
        """Make a repository that can be archived."""
        server.repository("octocat/Hello-World")


class TestUnarchiveRepository(GitHubTaskContract):
    """unarchive_repository."""

    name = "github.unarchive_repository"


class TestDeleteRepository(GitHubTaskContract):
    """delete_repository."""

    name = "github.delete_repository"


class TestListTopics(GitHubTaskContract):
    """list_topics."""

    name = "github.list_topics"


class TestReplaceTopics(GitHubTaskContract):
    """replace_topics."""

    name = "github.replace_topics"
    arguments = {"topics": ["api"]}


class TestProtectBranch(GitHubTaskContract):
    """protect_branch."""

    name = "github.protect_branch"
    arguments = {"branch": "main", "protection": BranchProtection(reviews=RequiredReviews())}


class TestGetBranchProtection(GitHubTaskContract):
    """get_branch_protection."""

    name = "github.get_branch_protection"
    arguments = {"branch": "main"}


class TestUnprotectBranch(GitHubTaskContract):
    """unprotect_branch."""

    name = "github.unprotect_branch"
    arguments = {"branch": "main"}


class TestListLabels(GitHubTaskContract):
    """list_labels."""

    name = "github.list_labels"


class TestCreateLabel(GitHubTaskContract):
    """create_label."""

    name = "github.create_label"
    arguments = {"name": "bug"}


class TestUpdateLabel(GitHubTaskContract):
    """update_label."""

    name = "github.update_label"
    arguments = {"name": "bug", "new_name": "defect"}


class TestDeleteLabel(GitHubTaskContract):
    """delete_label."""

    name = "github.delete_label"
    arguments = {"name": "area/core"}


class TestListCollaborators(GitHubTaskContract):
    """list_collaborators."""

    name = "github.list_collaborators"


class TestGetCollaborator(GitHubTaskContract):
    """get_collaborator."""

    name = "github.get_collaborator"
    arguments = {"username": "octocat"}


class TestAddCollaborator(GitHubTaskContract):
    """add_collaborator."""

    name = "github.add_collaborator"
    arguments = {"username": "hubot"}


class TestRemoveCollaborator(GitHubTaskContract):
    """remove_collaborator."""

    name = "github.remove_collaborator"
    arguments = {"username": "hubot"}


class TestGetUser(GitHubTaskContract):
    """get_user."""

    name = "github.get_user"
    repository = None
    arguments = {"username": "octocat"}


class TestListOrganizationMembers(GitHubTaskContract):
    """list_organization_members."""

    name = "github.list_organization_members"
    repository = None
    arguments = {"organization": "github"}


class TestListTeams(GitHubTaskContract):
    """list_teams."""

    name = "github.list_teams"
    repository = None
    arguments = {"organization": "github"}


class TestCreateTeam(GitHubTaskContract):
    """create_team."""

    name = "github.create_team"
    repository = None
    arguments = {"organization": "github", "name": "Justice League"}


class TestListTeamMembers(GitHubTaskContract):
    """list_team_members."""

    name = "github.list_team_members"
    repository = None
    arguments = {"organization": "github", "team": "justice-league"}


class TestAddTeamMember(GitHubTaskContract):
    """add_team_member."""

    name = "github.add_team_member"
    repository = None
    arguments = {"organization": "github", "team": "justice-league", "username": "octocat"}


class TestRemoveTeamMember(GitHubTaskContract):
    """remove_team_member."""

    name = "github.remove_team_member"
    repository = None
    arguments = {"organization": "github", "team": "justice-league", "username": "octocat"}


class TestSetTeamRepository(GitHubTaskContract):
    """set_team_repository."""

    name = "github.set_team_repository"
    arguments = {"organization": "octocat", "team": "justice-league"}


class TestRemoveTeamRepository(GitHubTaskContract):
    """remove_team_repository."""

    name = "github.remove_team_repository"
    arguments = {"organization": "octocat", "team": "justice-league"}
